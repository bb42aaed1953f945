package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/lab/broker"
)

// serving is what the process of brokers and stub is told.
type serving struct {
	Dir     string        `json:"dir"`
	Service time.Duration `json:"service"`
	Batches batching      `json:"batches"`
	Network bool          `json:"network"`
	TLS     bool          `json:"tls"`
	Brokers bool          `json:"brokers"` // embedded ones of its own
}

// servers are the stub model and the embedded brokers of one run, in a process
// beside this one on core 0.
type servers struct {
	Seeds []string `json:"seeds"`
	URL   string   `json:"url"`
	CA    string   `json:"ca"`
	Costs string   `json:"costs"`

	part *part
}

// part is a process of bench itself; it ends when its stdin does.
type part struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// startPart starts bench again as one of its parts, on the load's core.
func startPart(c class, gc string, args ...string) (*part, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	line := pinned(coreOfLoad, c, self, args...)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "GOGC="+gc) // collections would be in every system's tail
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
		return nil, fmt.Errorf("%s: %w", args[0], err)
	}
	return &part{cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}, nil
}

// hear reads one line of what the part says.
func (p *part) hear(into any) error {
	said, err := p.stdout.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(said, into)
	}
	if err != nil {
		return fmt.Errorf("%s said nothing that can be read: %w", p.cmd.Args[len(p.cmd.Args)-1], err)
	}
	return nil
}

func (p *part) stop() {
	p.stdin.Close()
	p.cmd.Wait()
}

// startServers starts the process and waits for its addresses.
func startServers(what serving) (*servers, error) {
	text, err := json.Marshal(what)
	if err != nil {
		return nil, err
	}
	p, err := startPart(equal, "400", partServe, string(text))
	if err != nil {
		return nil, err
	}
	s := &servers{part: p}
	if err := p.hear(s); err != nil {
		p.stop()
		return nil, err
	}
	return s, nil
}

// cost asks the process what a system under test, itself and brokers elsewhere
// on this machine have used so far.
func (s *servers) cost(pid, brokers int) (cost, error) {
	var c cost
	query := url.Values{"pid": {strconv.Itoa(pid)}, "servers": {strconv.Itoa(brokers)}}
	res, err := http.Get(s.Costs + "?" + query.Encode())
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// serve is the process: it says its addresses and runs until stdin ends.
func serve(args []string) error {
	var what serving
	if err := json.Unmarshal([]byte(args[0]), &what); err != nil {
		return err
	}
	var s servers
	if what.Brokers {
		brokers, err := broker.New(kafka.EmbeddedConfig{Brokers: 1, Listen: "127.0.0.1:0"}, broker.Deps{Dir: filepath.Join(what.Dir, "brokers")})
		if err != nil {
			return err
		}
		defer brokers.Close()
		s.Seeds = brokers.Addrs()
	}
	model, err := what.model(&s)
	if err != nil {
		return err
	}
	s.URL = model.url
	if s.Costs, err = aside(model); err != nil {
		return err
	}
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return model.close(filepath.Join(what.Dir, "service-times.csv"))
}

// aside serves what is asked and told of a model beside its calls.
func aside(model *stub) (url string, err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	paths := http.NewServeMux()
	paths.HandleFunc("GET /", model.costOf)
	paths.HandleFunc("POST "+pathSlow, model.slowBy)
	go http.Serve(ln, paths)
	return "http://" + ln.Addr().String(), nil
}

// model starts the stub.
func (w serving) model(s *servers) (*stub, error) {
	m := &stub{service: w.Service}
	if w.Network {
		m.network = newNetwork()
	}
	if w.Batches.Executors > 0 {
		var err error
		if m.executors, err = newExecutors(w.Batches); err != nil {
			return nil, err
		}
	}
	if !w.TLS {
		return m, m.serve(nil)
	}
	s.CA = filepath.Join(w.Dir, "authority.pem")
	certificate, err := newCertificate(s.CA)
	if err != nil {
		return nil, err
	}
	return m, m.serve(certificate)
}
