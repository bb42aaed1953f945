package broker_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"betimes/internal/lab/broker"
)

// childDir, when set, makes this test binary a process of brokers.
const childDir = "BETIMES_TEST_BROKERS_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(beBrokers(dir))
	}
	os.Exit(m.Run())
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

// child is a process of brokers.
type child struct {
	cmd   *exec.Cmd
	addrs []string
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
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
		t.Fatalf("brokers did not start: %v", err)
	}
	t.Cleanup(c.kill)
	return c
}

// kill ends the process at once (SIGKILL) and waits until it is gone.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // it may be gone
	_ = c.cmd.Wait()         // its end is no news
}
