package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// servers are the brokers and the stub model of one run, in a process beside
// this one on core 0.
type servers struct {
	Seeds []string `json:"seeds"`
	URL   string   `json:"url"`

	cmd   *exec.Cmd
	stdin io.Closer
}

// startServers starts the process and waits for its addresses.
func startServers(dir string, service time.Duration) (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	line := pinned("0", self, "-serve", dir, "-service", service.String())
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "GOGC=400") // its collections would be in every system's tail
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("servers: %w", err)
	}
	s := &servers{cmd: cmd, stdin: stdin}
	said, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(said, s)
	}
	if err != nil {
		s.stop()
		return nil, fmt.Errorf("servers: no addresses: %w", err)
	}
	return s, nil
}

// stop ends the process, which then writes the stub's log.
func (s *servers) stop() {
	s.stdin.Close()
	s.cmd.Wait()
}

// cost asks the process what a system under test and itself have used so far.
func (s *servers) cost(pid int) (cost, error) {
	var c cost
	res, err := http.Get(strings.Replace(s.URL, "/invocations", "/cost?pid="+strconv.Itoa(pid), 1))
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// serve is the process: it says its addresses and runs until stdin ends.
func serve(dir string, service time.Duration) error {
	brokers, err := broker.New(kafka.EmbeddedConfig{Brokers: 1, Listen: "127.0.0.1:0"}, broker.Deps{Dir: filepath.Join(dir, "brokers")})
	if err != nil {
		return err
	}
	defer brokers.Close()
	model, err := newStub(service)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(servers{Seeds: brokers.Addrs(), URL: model.url}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return model.close(filepath.Join(dir, "service-times.csv"))
}
