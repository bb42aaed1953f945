package broker_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// These, when set, make this test binary a process of brokers or of one member.
const (
	childDir    = "BETIMES_TEST_BROKERS_IN"
	childMember = "BETIMES_TEST_MEMBER_AT"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(beBrokers(dir))
	}
	if addr := os.Getenv(childMember); addr != "" {
		os.Exit(beMember(addr))
	}
	os.Exit(m.Run())
}

// beMember prints its partitions' count once it has some, and polls for ever.
func beMember(addr string) int {
	m, err := joinAs(addr, func(n int) { _ = json.NewEncoder(os.Stdout).Encode([]string{fmt.Sprint(n)}) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
		os.Exit(0)
	}()
	for err == nil {
		err = m.Poll(context.Background(), func([]*event.Event) {})
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// joinAs joins as the static member "one", whose session outlasts every test.
func joinAs(addr string, assigned func(n int)) (*kafka.Member, error) {
	cfg := kafka.DefaultConfig()
	cfg.Seeds = []string{addr}
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		return nil, err
	}
	return c.NewMember(kafka.MemberConfig{
		Group: "g", Topics: []string{"things"}, StaticID: "one", SessionTimeout: 2 * time.Minute,
		Assigned: func(parts map[kafka.Partition]int64) { assigned(len(parts)) },
	})
}

// beBrokers prints the addresses and runs until the parent goes away.
func beBrokers(dir string) int {
	b, err := broker.New(broker.Config{Brokers: 3, Listen: "127.0.0.1:0"}, broker.Deps{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := json.NewEncoder(os.Stdout).Encode(b.Addrs()); err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent
	b.Close()
	return 0
}

// child is another process.
type child struct {
	cmd   *exec.Cmd
	addrs []string // what it printed: brokers their addresses
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	return start(t, childDir+"="+dir)
}

// start runs this binary with a variable, until it has printed its first line.
func start(t *testing.T, variable string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), variable)
	cmd.Stderr = os.Stderr
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
	c := &child{cmd: cmd}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &c.addrs)
	}
	if err != nil {
		c.kill()
		t.Fatalf("the child did not start: %v", err)
	}
	t.Cleanup(c.kill)
	return c
}

// kill ends the process at once (SIGKILL) and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone
	_ = c.cmd.Wait()         // its end is no news
}
