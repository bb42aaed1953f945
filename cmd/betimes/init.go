package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"betimes/internal/app"
	"betimes/internal/config"
	"betimes/internal/kafka"
	"betimes/internal/lab/sketch"
)

// initFlags are where the file goes and what it begins with.
type initFlags struct {
	from, out string
	force     bool
	target    sketch.Target
}

// initSamples is how many records a guess is made of.
const initSamples = 200

func newInit(*settings) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Write a commented file, from samples of a topic or for the example problem",
		Long: `Writes betimes.yaml. With --from it samples records of a topic without joining a
group and guesses what they are, their key, id, time and features.`,
		Example: "  betimes init --from 127.0.0.1:9092/orders --url http://127.0.0.1:5000/invocations",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInit(cmd, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "sample this topic, HOST:PORT/TOPIC")
	flags.StringVar(&f.target.Endpoint, "endpoint", "", "SageMaker endpoint to ask")
	flags.StringVar(&f.target.URL, "url", "", "HTTP model server to ask, the exact URL that is posted to")
	flags.StringVar(&f.target.Model, "model", "", "model file to serve on this machine")
	flags.StringVarP(&f.out, "out", "o", config.DefaultFile, "file to write; - for standard output")
	flags.BoolVar(&f.force, "force", false, "overwrite an existing file")
	return cmd
}

func runInit(cmd *cobra.Command, f initFlags) error {
	if t := f.target; len(slices.DeleteFunc([]string{t.Endpoint, t.URL, t.Model}, func(s string) bool { return s == "" })) > 1 {
		return errors.New("--endpoint, --url and --model each name the model; give one of them")
	}
	if f.target.Model != "" {
		if _, err := os.Stat(f.target.Model); err != nil {
			return fmt.Errorf("--model: %w", err)
		}
	}
	guess, err := f.look(cmd.Context())
	if err != nil {
		return err
	}
	if f.out == "-" {
		return failed(sketch.Write(cmd.OutOrStdout(), guess, f.target))
	}
	if err := f.writeFile(guess); err != nil {
		return err
	}
	out := cmd.ErrOrStderr()
	fmt.Fprintf(out, "wrote %s\n", f.out)
	if _, err := config.Load(f.out, config.Options{}); err != nil {
		fmt.Fprintf(out, "it needs a correction before it runs:\n%v\n", err)
		return nil
	}
	next := []string{word() + " up " + quoted(f.out)}
	if f.from != "" {
		next = append([]string{word() + " try " + quoted(f.out) + " --from-topic 5"}, next...)
	}
	fmt.Fprintf(out, "next:\n  %s\n", strings.Join(next, "\n  "))
	return nil
}

// look samples the topic, when there is one.
func (f *initFlags) look(ctx context.Context) (sketch.Guess, error) {
	f.target.Name = folderName()
	if f.from == "" {
		return sketch.Guess{}, nil
	}
	seed, topic, ok := strings.Cut(f.from, "/")
	if _, _, err := net.SplitHostPort(seed); err != nil || !ok || topic == "" {
		return sketch.Guess{}, fmt.Errorf("--from: %q is not HOST:PORT/TOPIC", f.from)
	}
	f.target.Seed, f.target.Topic, f.target.Name = seed, topic, plainName(topic)
	cluster, err := kafka.Open(kafka.Config{Seeds: []string{seed}}, kafka.Deps{Log: slog.New(slog.DiscardHandler), Pipeline: "betimes", Instance: "init"})
	if err != nil {
		return sketch.Guess{}, failed(err)
	}
	defer cluster.Close()
	events, partitions, err := app.Sample(ctx, cluster, topic, initSamples)
	if err != nil {
		return sketch.Guess{}, failed(fmt.Errorf("--from %s: %w", f.from, err))
	}
	f.target.Partitions = partitions
	brokers, err := cluster.Brokers(ctx)
	if err != nil {
		return sketch.Guess{}, failed(fmt.Errorf("--from %s: %w", f.from, err))
	}
	f.target.Brokers = len(brokers)
	samples := make([]sketch.Sample, len(events))
	for i, e := range events {
		samples[i] = sketch.Sample{Key: e.Key, Value: e.Value}
	}
	return sketch.Infer(samples), nil
}

func (f *initFlags) writeFile(guess sketch.Guess) (err error) {
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(f.out, mode, 0o644)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists; add --force to overwrite it, or -o FILE", f.out)
	}
	if err != nil {
		return failed(err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return sketch.Write(io.Writer(out), guess, f.target)
}

// folderName names a pipeline after the working folder.
func folderName() string {
	dir, err := os.Getwd()
	if err != nil {
		return "betimes"
	}
	return plainName(filepath.Base(dir))
}

// plainName keeps letters, digits and dashes.
func plainName(s string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s)
	if clean = strings.Trim(clean, "-"); clean == "" {
		return "betimes"
	}
	return clean
}
