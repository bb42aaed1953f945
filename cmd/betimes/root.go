package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"betimes/internal/config"
	"betimes/internal/logbook"
)

// settings are the flags of every command that reads a file.
type settings struct {
	set      []string
	logLevel string
	level    slog.LevelVar
}

// groups are the parts of --help, in order.
var groups = []*cobra.Group{
	{ID: "run", Title: "Run"}, {ID: "ask", Title: "Ask"},
	{ID: "act", Title: "Act"}, {ID: "advise", Title: "Advise"}, {ID: "try", Title: "Try"},
}

func newRoot() *cobra.Command {
	s := &settings{}
	root := &cobra.Command{
		Use:   "betimes",
		Short: "Keep an end-to-end latency promise on a stream of events",
		Long: `betimes takes events in, asks a model about each in time, and says per event where the time went.

FILE is one pipeline: betimes.yaml of this folder where none is named; the commands
under Ask also find a running up of this folder. Data goes to stdout, all else to
stderr. Exit codes: 0 done, 1 failed at run time, 2 wrong usage or configuration.`,
		Example:           "  betimes demo\n  betimes init && betimes up",
		Version:           version,
		PersistentPreRunE: func(*cobra.Command, []string) error { return s.check() },
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{
			HiddenDefaultCmd: true,
		},
	}
	root.PersistentFlags().StringArrayVar(&s.set, "set", nil, "override one value of the file, PATH=VALUE; may be repeated")
	root.PersistentFlags().StringVar(&s.logLevel, "log-level", "", "debug, info, warn or error instead of log.level")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			err = fmt.Errorf("--%s: %q does not fit; it takes a value of type %s", bad.GetFlag().Name, bad.GetValue(), bad.GetFlag().Value.Type())
		}
		return fmt.Errorf("%w; `%s --help` lists the flags", err, cmd.CommandPath())
	})
	root.AddGroup(groups...)
	root.SetHelpCommandGroupID("try")
	for _, c := range []struct {
		group string
		cmds  []*cobra.Command
	}{
		{"run", []*cobra.Command{newUp(s), newDemo(s), newRole(s, "gateway"), newRole(s, "stream"), newRole(s, "watch"), newRole(s, "emulate"), newRole(s, "broker")}},
		{"ask", []*cobra.Command{newExplain(s), newWhy(s), newTop(s), newDeadLetters(s)}},
		{"act", []*cobra.Command{newTrain(s), newRollout(s)}},
		{"advise", []*cobra.Command{newConfig(s)}},
		{"try", []*cobra.Command{newInit(s), newTry(s), newLoad(s), newVerify(s), newVersion(), newCompletion()}},
	} {
		for _, cmd := range c.cmds {
			cmd.GroupID = c.group
			root.AddCommand(cmd)
		}
	}
	root.AddCommand(notBuilt()...)
	return root
}

// check says what is wrong with the flags of every command.
func (s *settings) check() error {
	if !slices.Contains([]string{"", "debug", "info", "warn", "error"}, s.logLevel) {
		return fmt.Errorf("--log-level: %q is not known; use debug, info, warn or error", s.logLevel)
	}
	return nil
}

// oneFile takes at most the name of a file.
func oneFile(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return fmt.Errorf("%s takes one FILE, not %d (%s)", cmd.CommandPath(), len(args), strings.Join(args, " "))
	}
	return nil
}

// file is the configuration file of a command's arguments.
func file(args []string) string {
	if len(args) == 0 {
		return config.DefaultFile
	}
	return args[0]
}

// load reads the file; what is wrong with it is a usage error.
func (s *settings) load(args []string) (*config.Loaded, error) {
	path := file(args)
	if _, err := os.Stat(path); err != nil && len(args) == 0 {
		return nil, fmt.Errorf("%s is not in this folder; name a file, or write one with `betimes init`", path)
	}
	return config.Load(path, config.Options{Set: s.set})
}

// logger makes the process's logger as the file and --log-level say.
func (s *settings) logger(c config.LogConfig, w io.Writer) *slog.Logger {
	level := c.Level
	if s.logLevel != "" {
		level = s.logLevel
	}
	_ = s.level.UnmarshalText([]byte(level)) // config and check have looked at it
	json := c.Format == "json" || c.Format == "auto" && !isTerminal(w)
	return logbook.New(w, &s.level, json)
}

// isTerminal says whether a person watches w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colour says whether w shows colours.
func colour(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && isTerminal(w) }
