package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"betimes/bench/door/callers"
	"betimes/internal/lab/emulator"
	"betimes/internal/sagemaker"
)

func TestBothClientsAreAnsweredWhatTheyAsked(t *testing.T) {
	o := callers.Order{URL: emulated(t), Endpoint: "echo", AtOnce: 8, Window: 100 * time.Millisecond, BodyBytes: 200}
	t.Setenv("AWS_ACCESS_KEY_ID", "any")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "any")
	for name, client := range map[string]func(context.Context, callers.Order) (callers.Ask, error){
		"the door": door, "net/http": func(_ context.Context, o callers.Order) (callers.Ask, error) { return bare(o) },
	} {
		t.Run(name, func(t *testing.T) {
			ask, err := client(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			out, err := o.Run(t.Context(), ask)
			if err != nil || out.All < 8 || out.Failed+out.Wrong > 0 {
				t.Errorf("got %+v, %v", out, err)
			}
		})
	}
}

// emulated is an emulator with an endpoint that echoes.
func emulated(t *testing.T) string {
	t.Helper()
	c := emulator.DefaultConfig()
	c.Listen, c.Profile = "127.0.0.1:0", "instant"
	e, err := emulator.New(c, emulator.Deps{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	deploy(t, e.URL())
	return e.URL()
}

func deploy(t *testing.T, url string) {
	t.Helper()
	account, err := sagemaker.NewAccount(t.Context(), sagemaker.AWSConfig{EndpointURL: url}, sagemaker.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	control, err := account.Control(sagemaker.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	err = errors.Join(
		control.CreateModel(t.Context(), sagemaker.Model{Name: "echo", Image: "builtin:echo", Role: "arn:aws:iam::000000000000:role/bench"}),
		control.CreateEndpointConfig(t.Context(), sagemaker.EndpointConfig{Name: "echo", Model: "echo", InstanceType: "ml.c5.large", Instances: 1}),
		control.CreateEndpoint(t.Context(), "echo", "echo"),
	)
	for state := (sagemaker.EndpointState{}); err == nil && state.Status != "InService"; {
		state, err = control.DescribeEndpoint(t.Context(), "echo")
	}
	if err != nil {
		t.Fatal(err)
	}
}
