package app

import (
	"context"
	"slices"
)

// part is what a role is made of.
type part struct {
	name  string
	build func(a *App, ctx context.Context) error
}

// The parts, in the order in which they start.
var (
	partBrokers  = part{"broker", (*App).buildBrokers}
	partTopics   = part{"topics", (*App).buildTopics}
	partEmulator = part{"emulate", (*App).buildEmulator}
	partModels   = part{"models", (*App).buildModels}
	partStream   = part{"stream", (*App).buildStream}
	partWatch    = part{"watch", (*App).buildWatch}
	partGateway  = part{"gateway", (*App).buildGateway}
	partReload   = part{"reload", (*App).buildReload}
	partDoor     = part{"door", (*App).openGateway}
	partAdmin    = part{"admin", (*App).buildAdmin}
)

// production are the roles that run one by one, against brokers and endpoints
// that are not embedded.
var production = map[string][]part{
	"gateway": {partDoor, partTopics, partGateway},
	"stream":  {partTopics, partStream},
	"watch":   {partTopics, partWatch},
}

// embedded are the parts that stand in for the rest on one machine.
var embedded = map[string][]part{
	"broker":  {partBrokers, partTopics},
	"emulate": {partEmulator},
}

// Roles lists the roles that a process can have.
func Roles() []string { return []string{"up", "gateway", "stream", "watch", "emulate", "broker"} }

// partsOf lists the parts of a role in the order of their start. up is the sum
// of all roles, and trains what has no endpoint yet.
func partsOf(role string, without []string) []part {
	order := []part{partDoor, partBrokers, partTopics, partEmulator, partModels, partStream, partWatch, partGateway}
	wanted := map[string]bool{}
	include := func(parts []part) {
		for _, p := range parts {
			wanted[p.name] = true
		}
	}
	switch role {
	case "up":
		wanted[partModels.name] = true
		for _, roles := range []map[string][]part{production, embedded} {
			for name, parts := range roles {
				if !slices.Contains(without, name) {
					include(parts)
				}
			}
		}
	default:
		include(production[role])
		include(embedded[role])
	}
	var parts []part
	for _, p := range order {
		if wanted[p.name] {
			parts = append(parts, p)
		}
	}
	if embedded[role] != nil { // tools: no pipeline behind them
		return parts
	}
	return append([]part{partAdmin}, append(parts, partReload)...)
}
