package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/config"
	"betimes/internal/listen"
)

// runFlags are those of every command that serves.
type runFlags struct {
	addresses string
	temporary bool
	without   []string
	runFor    time.Duration
	yes       bool
}

// check says what is wrong with the flags.
func (f runFlags) check() error {
	known := app.Roles()[1:] // without up itself
	for _, role := range f.without {
		if !slices.Contains(known, role) {
			return fmt.Errorf("--without: %q is not a role; leave out one of %s", role, strings.Join(known, ", "))
		}
	}
	if f.runFor < 0 {
		return fmt.Errorf("--for: %s is negative; write for example 30s", f.runFor)
	}
	return nil
}

// announce writes the addresses where they are asked for.
func (f runFlags) announce(at app.Addresses) error {
	if f.addresses == "" {
		return nil
	}
	return at.WriteFile(f.addresses)
}

func newUp(s *settings) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:     "up [FILE]",
		Short:   "Everything of one file on this machine",
		Example: "  betimes up examples/v1-simplified.yaml",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return s.serve(cmd, args, "up", f)
		},
	}
	cmd.Flags().StringVar(&f.addresses, "addresses", "", "write the listen addresses to this file as JSON once ready")
	cmd.Flags().BoolVar(&f.temporary, "temporary", false, "keep everything in a folder that is removed at the end")
	cmd.Flags().StringArrayVar(&f.without, "without", nil, "leave a role out: gateway, stream, watch, emulate or broker; may be repeated")
	cmd.Flags().DurationVar(&f.runFor, "for", 0, "run that long, then report, drain and stop")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "train and deploy a model also where it costs money")
	return cmd
}

// roleTexts are the one-line helps of the single roles.
var roleTexts = map[string]string{
	"gateway": "Role: takes events in over HTTP",
	"stream":  "Role: consumes events and asks the model",
	"watch":   "Role: measures; serves page and API",
	"emulate": "SageMaker and its neighbours alone, for any SDK",
	"broker":  "The embedded brokers alone, for any Kafka client",
}

func newRole(s *settings, role string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:     role + " [FILE]",
		Short:   roleTexts[role],
		Example: "  betimes " + role + " betimes.yaml",
		Args:    oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.serve(cmd, args, role, f)
		},
	}
	cmd.Flags().StringVar(&f.addresses, "addresses", "", "write the listen addresses to this file as JSON once ready")
	return cmd
}

// serve runs a role until the command's context ends.
func (s *settings) serve(cmd *cobra.Command, args []string, role string, f runFlags) error {
	loaded, err := s.loadFor(args, role)
	if err != nil {
		return err
	}
	out := cmd.ErrOrStderr()
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	log := s.logger(loaded.Config.Log, out)
	if slices.Contains(config.Roles(), role) {
		warnUnsafe(log, loaded.Config)
	}
	began := time.Now()
	a, err := app.New(loaded, app.Options{
		Role: role, Without: f.without, Temporary: f.temporary, Yes: f.yes, Log: log, Version: version,
		Progress: progress(out), Level: &s.level, Reload: func() (*config.Loaded, error) { return s.load(args) },
	})
	if err != nil {
		return failed(err)
	}
	err = a.Run(ctx, func(at app.Addresses) {
		if err := f.announce(at); err != nil {
			log.Error("addresses not written", "error", err)
		}
		banner(out, loaded, ready{role, f.without, time.Since(began)}, at)
		if f.runFor > 0 {
			go func() {
				defer stop()
				ran := time.Now()
				wait(ctx, f.runFor)
				sumUp(ctx, cmd.OutOrStdout(), &app.Client{Config: loaded.Config, Addresses: at}, ran)
			}()
		}
	})
	if err == nil {
		fmt.Fprintf(out, "betimes %s: %s has stopped; what was in work is finished or handed back\n", role, loaded.Config.Name)
	}
	return ranInto(err)
}

// ranInto is the error of a run: of run time, unless it is a matter of usage.
func ranInto(err error) error {
	if _, asks := errors.AsType[*app.NeedsYes](err); asks || errors.Is(err, app.ErrInUse) {
		return err
	}
	return failed(err)
}

// warnUnsafe says once which values are unsafe outside a laptop.
func warnUnsafe(log *slog.Logger, c config.Config) {
	var values []string
	for _, f := range config.Production(c) {
		values = append(values, f.Path+": "+f.Text)
	}
	if len(values) > 0 {
		log.Warn("unsafe outside a laptop", "values", values)
	}
}

// loadFor reads the file for a role. The tools need no file: without one they
// take the defaults.
func (s *settings) loadFor(args []string, role string) (*config.Loaded, error) {
	loaded, err := s.load(args)
	if err != nil && len(args) == 0 && (role == "emulate" || role == "broker") {
		loaded, err = config.Parse(config.DefaultFile, []byte("{}"), config.Options{Set: s.set})
	}
	if err != nil {
		return nil, err
	}
	return loaded, loaded.ForRole(role)
}

// ready is which process is ready, and after how long.
type ready struct {
	role    string
	without []string
	took    time.Duration
}

// front is what a browser finds at the admin listener: the page, where this process has it.
func (r ready) front() (name, path string) {
	if r.role == "watch" || r.role == "up" && !slices.Contains(r.without, "watch") {
		return "dashboard", "/"
	}
	return "health", "/readyz"
}

// banner says that the process is ready, where it listens and what to do next.
func banner(w io.Writer, loaded *config.Loaded, r ready, at app.Addresses) {
	var b strings.Builder
	c := loaded.Config
	front, path := r.front()
	fmt.Fprintf(&b, "betimes %s: %s is ready after %.1f s\n", r.role, c.Name, r.took.Seconds())
	for _, line := range [][2]string{
		{front, link(at.Dashboard, c.Admin.TLS, path)}, {"gateway", link(at.Gateway, c.Flow.Gateway.TLS, "/v1/events")},
		{"aws", link(at.AWS, nil, "")}, {"kafka", strings.Join(at.Kafka, ",")},
	} {
		if line[1] != "" {
			fmt.Fprintf(&b, "  %-10s %s\n", line[0], line[1])
		}
	}
	if text := embeddedText(c, at); text != "" {
		fmt.Fprintf(&b, "embedded: %s; one process, no replication between machines; not for production\n", text)
	}
	for i, line := range nextLines(loaded, r.role, at) {
		if i == 0 {
			b.WriteString("next:\n")
		}
		fmt.Fprintf(&b, "  %s\n", line)
	}
	_, _ = io.WriteString(w, b.String())
}

// word is how the user called this program.
func word() string { return quoted(os.Args[0]) }

// quoted makes one word of the shell of s.
func quoted(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"`$&|;<>()*?[]{}~#!\\") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func link(addr string, tls *listen.TLSConfig, path string) string {
	switch {
	case addr == "":
		return ""
	case tls != nil:
		return "https://" + addr + path
	}
	return "http://" + addr + path
}

func embeddedText(c config.Config, at app.Addresses) string {
	var parts []string
	if len(at.Kafka) > 0 {
		parts = append(parts, counted(len(at.Kafka), "Kafka broker"))
	}
	if at.AWS != "" {
		parts = append(parts, "SageMaker ("+c.Lab.Emulator.Profile+" profile)")
	}
	return strings.Join(parts, ", ")
}

// nextLines are commands that work when they are pasted.
func nextLines(loaded *config.Loaded, role string, at app.Addresses) []string {
	c := loaded.Config
	switch {
	case role == "up" && at.Gateway != "":
		lines := []string{sendLine(c, at), loadLine(loaded)}
		if c.Kafka.Topics.Events.Value != "json" {
			lines = nil // what such an event looks like only its owner knows
		}
		if len(at.Kafka) > 0 {
			return append(lines, "kcat -b "+at.Kafka[0]+" -t "+c.Kafka.Topics.Predictions.Name+" -C -o beginning -e -q | head -3")
		}
		if lines != nil {
			lines[1] += " --yes"
		}
		return lines
	case role == "broker":
		return []string{"kcat -b " + at.Kafka[0] + " -L"}
	case role == "emulate":
		return []string{credentials(c) + "aws --endpoint-url http://" + at.AWS + " --region us-east-1 sagemaker list-endpoints"}
	}
	return nil
}

// credentials are any, because clients sign with some, unless they are verified:
// then they are the user's own.
func credentials(c config.Config) string {
	if len(c.Lab.Emulator.Keys) > 0 {
		return ""
	}
	return "AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any "
}

// loadLine sends payments where they are what the gateway takes, else lines of the user's own.
func loadLine(loaded *config.Loaded) string {
	line := word() + " load " + quoted(loaded.File)
	if loaded.Config.Flow.Gateway.Key != paymentsKey {
		return line + " --input EVENTS.ndjson --rate 500"
	}
	return line + " --rate 500 --for 30s"
}

// sendLine sends one event and waits for its prediction.
func sendLine(c config.Config, at app.Addresses) string {
	g := c.Flow.Gateway
	line := "curl -s -H 'Content-Type: application/json' -H 'Prefer: wait=2'"
	if len(g.Tokens) > 0 {
		line += ` -H "Authorization: Bearer $TOKEN"`
		if path, ok := g.Tokens[0].Token.InFile(); ok {
			line = strings.Replace(line, "$TOKEN", "$(cat "+quoted(path)+")", 1)
		}
	}
	if g.TLS != nil {
		line += " --cacert " + quoted(g.TLS.Cert)
	}
	return line + " " + link(at.Gateway, g.TLS, "/v1/events") + " -d '" + sampleEvent(c) + "'"
}
