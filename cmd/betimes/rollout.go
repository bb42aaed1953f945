package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/steer/rollout"
)

// rolloutFlags say which version.
type rolloutFlags struct {
	model        string
	to           int
	approve, yes bool
	asJSON       bool
}

func newRollout(s *settings) *cobra.Command {
	var f rolloutFlags
	cmd := &cobra.Command{
		Use:   "rollout [FILE] status|--to VERSION",
		Short: "The versions of a model, and which one serves",
		Long: `status lists the versions in the registry and says which one serves. --to brings
any of them back: the endpoint keeps its settings, only the model changes. A version
that is not approved needs --approve, which approves it by hand.`,
		Example: "  betimes rollout betimes.yaml status\n  betimes rollout --to 3",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.runRollout(cmd, args, f)
		},
	}
	cmd.Flags().StringVar(&f.model, "model", "", "which model, where the file trains several")
	cmd.Flags().IntVar(&f.to, "to", 0, "version to bring into service")
	cmd.Flags().BoolVar(&f.approve, "approve", false, "with --to: approve the version by hand")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "with --to: also on AWS")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "as JSON")
	return cmd
}

func (s *settings) runRollout(cmd *cobra.Command, args []string, f rolloutFlags) error {
	verb := ""
	if n := len(args); n > 0 && !strings.ContainsAny(args[n-1], "./") {
		verb, args = args[n-1], args[:n-1]
	}
	switch {
	case verb == "promote" || verb == "abort":
		return fmt.Errorf("%s is of rollouts in steps (shadow, canary), which are not built yet; --to VERSION changes the whole endpoint", verb)
	case verb != "" && verb != "status":
		return fmt.Errorf("%q is not known; use status or --to VERSION", verb)
	case verb == "status" && f.to != 0, verb == "" && f.to == 0 && !cmd.Flags().Changed("to"):
		return fmt.Errorf("say one: status, or --to VERSION")
	case verb == "" && f.to < 1:
		return fmt.Errorf("--to: %d is no version; `betimes rollout status` lists them", f.to)
	case f.approve && f.to == 0:
		return fmt.Errorf("--approve is for --to VERSION")
	case len(args) > 1:
		return oneFile(cmd, args)
	}
	return s.inWorkshop(cmd, args, f.model, f.yes, func(ctx context.Context, w app.Workshop) error {
		if verb == "status" {
			return f.status(ctx, cmd.OutOrStdout(), w)
		}
		release, err := rollout.To(ctx, w.Deps, w.Plan, f.to, f.approve)
		if err != nil {
			return err
		}
		if f.asJSON {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(release)
		}
		_, err = io.WriteString(cmd.OutOrStdout(), releaseText(release))
		return err
	})
}

func (f rolloutFlags) status(ctx context.Context, w io.Writer, shop app.Workshop) error {
	st, err := rollout.Look(ctx, shop.Deps, shop.Plan)
	if err != nil {
		return err
	}
	if f.asJSON {
		return json.NewEncoder(w).Encode(st)
	}
	fmt.Fprintf(w, "model %s, endpoint %s: %s", st.Model, st.Endpoint, st.State)
	switch {
	case st.Serving > 0:
		fmt.Fprintf(w, ", serves version %d (config %s)\n", st.Serving, st.Config)
	case st.Config != "":
		fmt.Fprintf(w, ", serves no registered version (config %s)\n", st.Config)
	default:
		fmt.Fprintln(w)
	}
	if st.Left != "" {
		fmt.Fprintf(w, "unfinished: %s; `betimes train` takes it up, --abandon ends it\n", st.Left)
	}
	if len(st.Versions) == 0 {
		fmt.Fprintln(w, "no versions yet; `betimes train` makes one")
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VERSION\tCREATED\tAPPROVAL\tABOUT")
	for _, v := range st.Versions {
		mark := ""
		if v.Number == st.Serving {
			mark = " *"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", strconv.Itoa(v.Number)+mark, v.Created.Format(time.RFC3339), v.Approval, v.About)
	}
	return table.Flush()
}
