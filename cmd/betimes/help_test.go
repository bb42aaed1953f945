package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestEveryCommandHasAnExampleInItsHelp(t *testing.T) {
	var visit func(cmd *cobra.Command, path []string)
	visit = func(cmd *cobra.Command, path []string) {
		root, out := newRoot(), &bytes.Buffer{}
		root.SetArgs(append(path, "--help"))
		root.SetOut(out)
		if err := root.Execute(); err != nil {
			t.Errorf("%s --help: %v", cmd.CommandPath(), err)
		}
		if !strings.Contains(out.String(), "Examples:\n  ") || !strings.Contains(cmd.Example, "betimes ") {
			t.Errorf("%s --help has no example:\n%s", cmd.CommandPath(), out)
		}
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				visit(sub, append(path[:len(path):len(path)], sub.Name()))
			}
		}
	}
	visit(newRoot(), nil)
}
