//go:build interop

package app

import (
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
	"betimes/internal/event"
	"betimes/internal/kafka"
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
			err = a.Run(ctx, func(at Addresses) {
				out := json.NewEncoder(os.Stdout)
				_ = out.Encode(at)
				go turn(ctx, loaded.Config, out)
			})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// turn prints the rounds of this worker until ctx ends. They have a topic to
// themselves with as many copies as the others, and enough partitions for three
// brokers to follow each other in every way: a broker may hold up some only.
func turn(ctx context.Context, c config.Config, out *json.Encoder) {
	cluster, err := kafka.Open(c.Kafka, kafka.Deps{Pipeline: "rounds"})
	if err != nil {
		return
	}
	defer cluster.Close()
	topic := kafka.TopicSpec{Name: c.Name + "-rounds", Partitions: 6, ReplicationFactor: c.Kafka.Topics.Events.ReplicationFactor}
	for cluster.EnsureTopics(ctx, []kafka.TopicSpec{topic}, true) != nil { // another worker makes it at this moment
		if !pause(ctx) {
			return
		}
	}
	p, err := cluster.NewPatientProducer("rounds")
	if err != nil {
		return
	}
	defer p.Close()
	for r := (round{From: time.Now()}); pause(ctx); r.From = time.Now() {
		var written sync.WaitGroup
		for n := range topic.Partitions {
			written.Add(1)
			p.Write(&kafka.Record{Topic: topic.Name, Partition: int32(n), Value: []byte("round")}, func(event.Source, error) { written.Done() })
		}
		written.Wait()
		r.To = time.Now()
		_ = out.Encode(r)
	}
}

// pause is as long as that between two commits; false: ctx has ended.
func pause(ctx context.Context) bool {
	select {
	case <-time.After(100 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// child is a process of the role stream.
type child struct {
	cmd   *exec.Cmd
	name  string
	at    Addresses
	gone  sync.Once
	err   error         // how it ended
	log   *bytes.Buffer // complete once it has ended
	pace  pace          // as well
	heard chan struct{} // closed when it says no more
}

// startChild starts a worker with a name and returns once it has partitions. One
// that ends at once, as brokers have no time for it, is started again, as whoever
// runs it would.
func startChild(t *testing.T, file, name string) *child {
	t.Helper()
	const most = 3
	for n := 1; ; n++ {
		c, err := tryChild(t, file, name)
		if err == nil {
			c.await(t)
			return c
		}
		c.kill()
		if n == most {
			t.Fatalf("the worker did not start: %v; it said\n%s", err, c.log)
		}
	}
}

// tryChild starts a worker and returns once it listens.
func tryChild(t *testing.T, file, name string) (*child, error) {
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
	c := &child{cmd: cmd, name: name, log: log, pace: pace{from: time.Now()}, heard: make(chan struct{})}
	t.Cleanup(c.kill)
	said := json.NewDecoder(out)
	err = said.Decode(&c.at)
	go c.listen(said)
	return c, err
}

// listen keeps the rounds of a worker.
func (c *child) listen(said *json.Decoder) {
	defer close(c.heard)
	for {
		var r round
		if said.Decode(&r) != nil {
			return
		}
		c.pace.rounds = append(c.pace.rounds, r)
	}
}

// await waits until the worker says that it is ready: it has partitions.
func (c *child) await(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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
			t.Fatalf("the worker has no partitions after %s", patience)
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
	c.gone.Do(func() {
		<-c.heard
		c.err = c.cmd.Wait()
		c.pace.to = time.Now()
	})
	return c.err
}

// losses are when the worker noticed that others do again what it has done: it had
// been silent for a whole session, or for too long when it gave partitions up.
func (c *child) losses() []time.Time {
	var all []time.Time
	for line := range bytes.Lines(c.log.Bytes()) {
		at, isTime := bytes.CutPrefix(line, []byte("time="))
		at, _, _ = bytes.Cut(at, []byte(" "))
		when, err := time.Parse(time.RFC3339Nano, string(at))
		if isTime && err == nil && bytes.Contains(line, []byte("not_committed=")) {
			all = append(all, when)
		}
	}
	return all
}
