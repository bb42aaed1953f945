package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// notBuilt are commands whose parts do not exist yet: refused by name, and not
// taken for a typing error.
func notBuilt() []*cobra.Command {
	var all []*cobra.Command
	for name, instead := range map[string]string{
		"mirror": "", "steer": "", "alerts": "", "async": "", "capacity": "", "acl": "",
		"doctor": "; `betimes config check --production` says what is unsafe",
		"bench":  "; `make bench` of the sources measures, and `betimes load` sends events",
	} {
		all = append(all, &cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return fmt.Errorf("%s is not built yet in this version%s", name, instead)
			},
		})
	}
	return all
}
