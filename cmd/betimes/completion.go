package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// oneShell takes the name of one shell.
func oneShell(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return errors.New("name one shell: bash, zsh or fish")
	}
	return nil
}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:       "completion bash|zsh|fish",
		Short:     "Completions of a shell",
		Example:   "  source <(betimes completion bash)",
		Args:      oneShell,
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(out, true)
			case "zsh":
				return root.GenZshCompletion(out)
			case "fish":
				return root.GenFishCompletion(out, true)
			}
			return fmt.Errorf("%q is not a shell that betimes knows; use bash, zsh or fish", args[0])
		},
	}
}
