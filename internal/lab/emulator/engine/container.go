package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/program"
)

// label tells the containers of an emulator from those of others.
const label = "betimes"

// ContractDir is where a container finds its files.
const ContractDir = "/opt/ml"

// ServingPort is the port of a container that serves.
const ServingPort = 8080

// Container is what to run.
type Container struct {
	Image     string
	Base      string // its folder; Base/ml is what it sees at ContractDir
	Port      int    // of this machine, that leads to ServingPort; 0: none
	Arguments []string
	Variables []string // NAME=value
}

// Command runs a container as a program that ends with it, and leaves nothing of it. It is to be started.
func (e *Engine) Command(c Container) (program.Command, error) {
	path, err := e.path()
	if err != nil {
		return program.Command{}, err
	}
	base, err := filepath.Abs(c.Base)
	if err == nil {
		err = e.begin()
	}
	if err != nil {
		return program.Command{}, err
	}
	sum := sha256.Sum256([]byte(base))
	name := label + "-" + hex.EncodeToString(sum[:8])
	arguments := []string{
		"run", "--rm", "--pull", "never", "--name", name, "--label", label + "=" + e.Dir,
		"--mount", "type=bind," + field("source="+filepath.Join(base, "ml")) + ",target=" + ContractDir,
	}
	if c.Port != 0 {
		arguments = append(arguments, "--publish", "127.0.0.1:"+strconv.Itoa(c.Port)+":"+strconv.Itoa(ServingPort))
	}
	for _, v := range c.Variables {
		arguments = append(arguments, "--env", v)
	}
	arguments = append(append(arguments, "--", c.Image), c.Arguments...)
	return program.Command{
		Path: path, Arguments: arguments, Base: c.Base, Bare: true,
		After: func() { e.end(name) },
	}, nil
}

// field is one of a mount, which are separated as in a CSV file.
func field(text string) string {
	if !strings.ContainsAny(text, "\",\r\n") {
		return text
	}
	return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
}
