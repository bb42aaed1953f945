package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// argumentsVariable holds, as a JSON list, the arguments of an exec: image; without it there is one: serve.
const argumentsVariable = "BETIMES_EXEC_ARGS"

// stopGrace is AWS's time between SIGTERM and SIGKILL; closeGrace the emulator's own at its end.
const stopGrace = 30 * time.Second

// process is a program that answers /ping and /invocations on the port it is given.
type process struct {
	*proxy
	command *exec.Cmd
	gone    chan struct{}
	grace   time.Duration
	once    sync.Once
}

// output is where a program of a variant logs: a stream of its own, else dir/log.
func (l *Launcher) output(s Spec, dir string) (io.WriteCloser, error) {
	if l.Output == nil {
		return os.Create(filepath.Join(dir, "log"))
	}
	return l.Output(s.Endpoint, s.Variant+"/"+filepath.Base(dir))
}

// lateOutput is how long what a program started may write after it has ended.
const lateOutput = time.Second

// startProcess runs path with the model in dir/model; it closes log.
func startProcess(path, dir string, environment map[string]string, self string, log io.WriteCloser) (*process, error) {
	p, err := makeProcess(path, dir, environment, self, log)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return p, p.start(log)
}

func makeProcess(path, dir string, environment map[string]string, self string, log io.Writer) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	arguments := []string{"serve"}
	if text := environment[argumentsVariable]; text != "" {
		arguments = nil
		if err := json.Unmarshal([]byte(text), &arguments); err != nil {
			return nil, fmt.Errorf("%s=%s is not a JSON list of texts: %w", argumentsVariable, text, err)
		}
	}
	base, err := newProxy("http://127.0.0.1:" + strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	command := exec.Command(path, arguments...)
	command.Stdout, command.Stderr, command.WaitDelay = log, log, lateOutput
	command.SysProcAttr = childAttributes()
	command.Env = append(os.Environ(),
		"SAGEMAKER_BIND_TO_PORT="+strconv.Itoa(port), "SAGEMAKER_SAFE_PORT_RANGE="+strconv.Itoa(port)+"-"+strconv.Itoa(port),
		"SM_MODEL_DIR="+filepath.Join(dir, "model"), "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL="+self)
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	return &process{proxy: base, command: command, gone: make(chan struct{}), grace: stopGrace}, nil
}

// start runs the program from a thread that lives as long as the program does:
// Linux kills a child whose parent thread ends.
func (p *process) start(log io.Closer) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer log.Close()
		err := p.command.Start()
		started <- err
		if err == nil {
			_ = p.command.Wait() // how it ended is in its log
			close(p.gone)
		}
	}()
	return <-started
}

// Gone is closed when the program has ended.
func (p *process) Gone() <-chan struct{} { return p.gone }

// Close asks the program to end and, when it does not, ends it. It does not wait.
func (p *process) Close() {
	p.once.Do(func() {
		p.proxy.Close()
		_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended
		kill := time.AfterFunc(p.grace, func() { _ = p.command.Process.Kill() })
		go func() {
			<-p.gone
			kill.Stop()
		}()
	})
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
