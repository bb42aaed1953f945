package emulator_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"betimes/internal/sagemaker"
)

// heard gives every log line to lines.
type heard struct {
	slog.Handler
	lines chan string
}

func (heard) Enabled(context.Context, slog.Level) bool { return true }

func (h heard) Handle(_ context.Context, r slog.Record) error {
	h.lines <- r.Message
	return nil
}

// The deployment is quicker than the door looks, and DescribeEndpoint waits while it lasts.
func TestTheDoorSaysThatADeploymentWentBackInSilence(t *testing.T) {
	for _, profile := range []string{"instant", "fast"} {
		t.Run(profile, func(t *testing.T) {
			t.Parallel()
			b := start(t, profile, t.TempDir())
			b.deploy("fraud", "builtin:echo", "", 1)
			b.config("next", "builtin:echo", "", 1)
			lines := make(chan string, 100)
			account, err := sagemaker.NewAccount(t.Context(), sagemaker.AWSConfig{Role: "arn:aws:iam::000000000000:role/betimes"}, sagemaker.Deps{
				Emulator: b.url, Env: func(string) (string, bool) { return "", false }, Log: slog.New(heard{slog.DiscardHandler, lines})})
			must(t, err)
			config := fraud()
			config.Probe = 20 * time.Millisecond
			endpoint, err := account.Endpoint(config)
			must(t, err)
			defer endpoint.Close()
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- endpoint.Run(ctx) }()
			await := func(begin string) {
				for line := range lines {
					if strings.HasPrefix(line, begin) {
						return
					}
				}
			}
			await("endpoint state")
			b.fault(`{"fault":"silent_rollback"}`)
			b.control("UpdateEndpoint", m{"EndpointName": "fraud", "EndpointConfigName": "next"})
			await("deployment was rolled back")
			stop()
			must(t, <-done)
		})
	}
}
