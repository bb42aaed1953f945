package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"betimes/internal/config"
)

func newConfig(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Check, print, document, draw and compare configuration files",
		Example: "  betimes config check betimes.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("betimes config has no %q; `betimes config --help` lists what it has", args[0])
			}
			return cmd.Help()
		},
	}
	cmd.AddCommand(newConfigCheck(s), newConfigPrint(s), newConfigDocs(), newConfigSchema(), newConfigDiagram(s), newConfigDiff(s))
	return cmd
}

func newConfigCheck(s *settings) *cobra.Command {
	var production, asJSON bool
	cmd := &cobra.Command{
		Use:     "check [FILE]",
		Short:   "Say everything that is wrong with a file",
		Example: "  betimes config check betimes.yaml --production",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, err := s.load(args)
			if wrong, ok := errors.AsType[*config.Error](err); ok && asJSON {
				return reportProblems(cmd.OutOrStdout(), wrong)
			}
			if err != nil {
				return err
			}
			var findings []config.Finding
			if production {
				findings = config.Production(loaded.Config)
			}
			return report(cmd.OutOrStdout(), file(args), findings, asJSON)
		},
	}
	cmd.Flags().BoolVar(&production, "production", false, "also list every value that is unsafe outside a laptop")
	cmd.Flags().BoolVar(&asJSON, "json", false, "findings as JSON")
	return cmd
}

// problem is a mistake in a file as --json prints it.
type problem struct {
	config.Finding
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
}

// reportProblems prints what is wrong with a file as JSON; the command fails.
func reportProblems(w io.Writer, wrong *config.Error) error {
	out := make([]problem, len(wrong.Problems))
	for i, p := range wrong.Problems {
		out[i] = problem{config.Finding{Path: p.Path, Text: p.Text}, p.Origin.File, p.Origin.Line}
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		return failed(err)
	}
	return &exitError{2, nil}
}

// report prints findings; with any the command fails.
func report(w io.Writer, name string, findings []config.Finding, asJSON bool) error {
	if asJSON {
		if findings == nil {
			findings = []config.Finding{}
		}
		if err := json.NewEncoder(w).Encode(findings); err != nil {
			return failed(err)
		}
	} else {
		for _, f := range findings {
			fmt.Fprintf(w, "%s: %s\n", f.Path, f.Text)
		}
	}
	if len(findings) > 0 {
		return failed(fmt.Errorf("%s: %d values are unsafe outside a laptop", name, len(findings)))
	}
	if !asJSON {
		fmt.Fprintf(w, "%s: good\n", name)
	}
	return nil
}

func newConfigPrint(s *settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "print [FILE]",
		Short:   "Print every value with where it comes from",
		Example: "  betimes config print betimes.yaml | grep -v default",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, err := s.load(args)
			if err != nil {
				return err
			}
			if asJSON {
				return failed(json.NewEncoder(cmd.OutOrStdout()).Encode(loaded.Values()))
			}
			return failed(loaded.Print(cmd.OutOrStdout()))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func newConfigDocs() *cobra.Command {
	return &cobra.Command{
		Use:     "docs",
		Short:   "Print all keys with type, default and meaning, as Markdown",
		Example: "  betimes config docs > config.md",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return failed(config.Docs(cmd.OutOrStdout())) },
	}
}

func newConfigSchema() *cobra.Command {
	var prediction bool
	cmd := &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of the file, or of a prediction",
		Example: "  betimes config schema > betimes.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			make := config.Schema
			if prediction {
				make = config.PredictionSchema
			}
			schema, err := make()
			if err != nil {
				return failed(err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema)
			return failed(err)
		},
	}
	cmd.Flags().BoolVar(&prediction, "prediction", false, "the schema of a record in predictions")
	return cmd
}

func newConfigDiagram(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "diagram [FILE]",
		Short:   "Draw the file as a Mermaid diagram",
		Example: "  betimes config diagram betimes.yaml > betimes.mmd",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			loaded, err := s.load(args)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), config.Diagram(loaded.Config))
			return failed(err)
		},
	}
}

func newConfigDiff(s *settings) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "diff OLD NEW",
		Short:   "Say per key what differs and whether it is live, needs a restart or breaks",
		Example: "  betimes config diff betimes.yaml betimes-new.yaml",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("betimes config diff compares two files, OLD and NEW, not %d", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			before, err := s.load(args[:1])
			after, err2 := s.load(args[1:])
			if err := errors.Join(err, err2); err != nil {
				return err
			}
			changes := config.Diff(before.Config, after.Config)
			if asJSON {
				return failed(json.NewEncoder(cmd.OutOrStdout()).Encode(changes))
			}
			for _, c := range changes {
				fmt.Fprintf(cmd.OutOrStdout(), "%-8s %s: %s -> %s\n", c.Effect, c.Path, orUnset(c.Old), orUnset(c.New))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func orUnset(value string) string {
	if value == "" {
		return "(unset)"
	}
	return value
}
