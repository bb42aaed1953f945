package fleet

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"betimes/internal/lab/emulator/engine"
	"betimes/internal/lab/emulator/program"
	"betimes/internal/listen"
)

// argumentsVariable holds, as a JSON list, the arguments of an exec: image; without it there is one: serve.
const argumentsVariable = "BETIMES_EXEC_ARGS"

// stopGrace is AWS's time between SIGTERM and SIGKILL.
const stopGrace = 30 * time.Second

// process is a program that answers /ping and /invocations on the port it is given.
type process struct {
	*proxy
	running *program.Running
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

// command is how a program serves at a port of this machine, or without a file the container of an image.
func (l *Launcher) command(file, dir, image string, port int, environment map[string]string) (program.Command, error) {
	at, seen := port, l.Programs.Seen(dir)
	if file == "" {
		at, seen = engine.ServingPort, engine.ContractDir
	}
	arguments, variables := []string{"serve"}, []string{
		"SAGEMAKER_BIND_TO_PORT=" + strconv.Itoa(at), "SAGEMAKER_SAFE_PORT_RANGE=" + strconv.Itoa(at) + "-" + strconv.Itoa(at),
		"SM_MODEL_DIR=" + path.Join(seen, "model"),
	}
	for _, more := range []map[string]string{l.Variables, environment} { // the model's own win
		for name, value := range more {
			variables = append(variables, name+"="+value)
		}
	}
	if text := environment[argumentsVariable]; text != "" {
		arguments = nil
		if err := json.Unmarshal([]byte(text), &arguments); err != nil {
			return program.Command{}, fmt.Errorf("%s=%s is not a JSON list of texts: %w", argumentsVariable, text, err)
		}
	}
	if file == "" {
		return l.Engine.Command(engine.Container{Image: image, Base: dir, Port: port, Arguments: arguments, Variables: variables})
	}
	return program.Command{Path: file, Arguments: arguments, Base: dir, Variables: variables}, nil
}

// startProcess runs a program with the model in dir/ml/model.
func (l *Launcher) startProcess(file, dir string, s Spec, environment map[string]string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	base, err := newProxy("http://127.0.0.1:" + strconv.Itoa(port))
	if err != nil {
		return nil, err
	}
	log, err := l.output(s, dir)
	if err != nil {
		return nil, err
	}
	c, err := l.command(file, dir, s.Image, port, environment)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	c.Output = log
	running, err := l.Programs.Start(c)
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		<-running.Alive().Done()
		_ = log.Close()                            // what it holds is written
		_ = os.RemoveAll(filepath.Join(dir, "ml")) // the next has its own
	}()
	return &process{proxy: base, running: running, grace: stopGrace}, nil
}

// Gone is closed when the program has ended.
func (p *process) Gone() <-chan struct{} { return p.running.Alive().Done() }

// Close asks the program to end and, when it does not, ends it. It does not wait.
func (p *process) Close() {
	p.once.Do(func() {
		p.proxy.Close()
		p.running.Terminate()
		kill := time.AfterFunc(p.grace, p.running.Kill)
		go func() {
			<-p.Gone()
			kill.Stop()
		}()
	})
}

// freePort is one that is still free when the program has started.
func freePort() (int, error) {
	l, err := listen.Lasting("127.0.0.1")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
