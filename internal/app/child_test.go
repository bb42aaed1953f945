//go:build interop

package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"betimes/internal/config"
)

// childFile, when set, makes this test binary a process of the role stream: it
// holds the whole file.
const childFile = "BETIMES_TEST_STREAM_OF"

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		os.Exit(beStream(file))
	}
	os.Exit(m.Run())
}

// beStream prints its addresses once it runs, and ends with SIGTERM or with its parent.
func beStream(file string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(1)
	}()
	loaded, err := config.Parse("test.yaml", []byte(file), config.Options{Env: func(string) (string, bool) { return "", false }})
	if err == nil {
		var a *App
		if a, err = New(loaded, Options{Role: "stream", Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}); err == nil {
			err = a.Run(ctx, func(at Addresses) { _ = json.NewEncoder(os.Stdout).Encode(at) })
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// child is a process of the role stream.
type child struct {
	cmd  *exec.Cmd
	at   Addresses
	gone sync.Once
	err  error         // how it ended
	log  *bytes.Buffer // complete once it has ended
}

// startChild starts a worker with a name and returns once it has partitions.
func startChild(t *testing.T, file, name string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFile+"="+file, "BETIMES_INSTANCE="+name)
	log := &bytes.Buffer{}
	cmd.Stderr = log
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: cmd, log: log}
	t.Cleanup(c.kill)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &c.at)
	}
	if err != nil {
		t.Fatalf("the worker did not start: %v", err)
	}
	c.await(t)
	return c
}

// await waits until the worker says that it is ready: it has partitions.
func (c *child) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.at.Dashboard+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the worker has no partitions after a minute")
		}
	}
}

// leave ends the worker with SIGTERM: it drains and leaves.
func (c *child) leave(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := c.wait(); err != nil {
		t.Errorf("a worker that was asked to leave ended with %v", err)
	}
}

func (c *child) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// kill ends the worker with kill -9.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone
	_ = c.wait()
}

func (c *child) wait() error {
	c.gone.Do(func() { c.err = c.cmd.Wait() })
	return c.err
}
