package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"betimes/internal/lab/emulator"
	"betimes/internal/sagemaker"
)

// The endpoints of the emulator's process: both give back what they are asked, slow
// after a while.
const (
	echo = "echo"
	slow = "slow"

	slowBy = 20 * time.Millisecond
)

// emulated is the emulator of one run, in a process beside this one on core 0.
type emulated struct {
	URL    string `json:"url"`
	Counts string `json:"counts"` // of connections, by GET

	part *part
}

// startEmulator starts the process and waits until its endpoints are in service.
func startEmulator(dir string) (*emulated, error) {
	p, err := startPart(equal, "400", partEmulate, dir)
	if err != nil {
		return nil, err
	}
	e := &emulated{part: p}
	if err := p.hear(e); err != nil {
		p.stop()
		return nil, err
	}
	return e, nil
}

// connections are those that were opened so far.
func (e *emulated) connections() (n int64, err error) {
	res, err := http.Get(e.Counts)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	return n, json.NewDecoder(res.Body).Decode(&n)
}

// counting counts the connections that it accepts.
type counting struct {
	net.Listener
	accepted atomic.Int64
}

func (c *counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.accepted.Add(1)
	}
	return conn, err
}

// emulate is the process: it says its addresses and runs until stdin ends.
func emulate(ctx context.Context, dir string) error {
	listeners := [2]net.Listener{}
	for i := range listeners {
		var err error
		if listeners[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return err
		}
	}
	counted := &counting{Listener: listeners[0]}
	go http.Serve(listeners[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, counted.accepted.Load()) }))
	c := emulator.DefaultConfig()
	c.Profile = "instant"
	e, err := emulator.New(c, emulator.Deps{Dir: dir, Listener: counted})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	if err := deploy(ctx, e.URL()); err != nil {
		stop()
		return errors.Join(err, <-ended)
	}
	err = json.NewEncoder(os.Stdout).Encode(emulated{URL: e.URL(), Counts: "http://" + listeners[1].Addr().String()})
	if err == nil {
		_, err = io.Copy(io.Discard, os.Stdin)
	}
	stop()
	return errors.Join(err, <-ended)
}

// deploy makes endpoints, which are in service at once where nothing takes time.
func deploy(ctx context.Context, url string) error {
	account, err := sagemaker.NewAccount(ctx, sagemaker.AWSConfig{EndpointURL: url}, sagemaker.Deps{})
	if err != nil {
		return err
	}
	control, err := account.Control(sagemaker.DefaultConfig())
	if err != nil {
		return err
	}
	defer control.Close()
	for _, name := range []string{echo, slow} {
		err := errors.Join(
			control.CreateModel(ctx, sagemaker.Model{Name: name, Image: "builtin:echo", Environment: map[string]string{"SAGEMAKER_MODEL_SERVER_WORKERS": "512"}, Role: "arn:aws:iam::000000000000:role/bench"}),
			control.CreateEndpointConfig(ctx, sagemaker.EndpointConfig{Name: name, Model: name, InstanceType: "ml.c5.4xlarge", Instances: 1}),
			control.CreateEndpoint(ctx, name, name),
		)
		for state := (sagemaker.EndpointState{}); err == nil && state.Status != "InService"; {
			state, err = control.DescribeEndpoint(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return slowDown(ctx, url)
}

// slowDown lets the endpoint slow be what it is called.
func slowDown(ctx context.Context, url string) error {
	fault := fmt.Sprintf(`{"match":{"endpoint":%q},"fault":"latency","add":%q}`, slow, slowBy)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/_emu/faults", strings.NewReader(fault))
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode > 299 {
		return fmt.Errorf("slowing an endpoint down: %s", res.Status)
	}
	return nil
}
