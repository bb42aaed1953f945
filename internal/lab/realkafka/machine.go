//go:build interop

package realkafka

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// machine is one Java machine, a process of its own, with one broker or several.
type machine struct {
	dir     string
	nodes   []*node
	cache   cache
	flags   []string // beside those of every machine
	process *os.Process
	exited  chan struct{} // closed when process has ended
}

func (m *machine) log() string { return filepath.Join(m.dir, "server.log") }

// main is Kafka's own for one broker, and ours for several.
func (m *machine) main() []string {
	name := "kafka.Kafka"
	if len(m.nodes) > 1 {
		name = "Brokers"
	}
	args := []string{name}
	for _, n := range m.nodes {
		args = append(args, n.file())
	}
	return args
}

// heap is the most that its brokers may hold.
func (m *machine) heap() string { return fmt.Sprintf("-Xmx%dm", 128+64*len(m.nodes)) }

// start starts the process; it dies with this one.
func (m *machine) start(t testing.TB) {
	t.Helper()
	out, err := os.OpenFile(m.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	check(t, err)
	defer out.Close()
	cmd := exec.Command("java", append(m.cache.flags(m.dir, append(m.flags, m.heap())...), m.main()...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.dir, out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	check(t, cmd.Start())
	exited := make(chan struct{})
	m.process, m.exited = cmd.Process, exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // how it ended is in its log
	}()
}

// await waits until each of its brokers knows all of the cluster.
func (m *machine) await(t testing.TB) {
	t.Helper()
	for _, n := range m.nodes {
		n.await(t)
	}
}

// signal sends one; a process that has ended does not mind.
func (m *machine) signal(s syscall.Signal) { _ = m.process.Signal(s) }

// haltTime is the most that threads of a busy machine take to stop.
const haltTime = 10 * time.Second

// halt stops the process and waits until all of its threads have: the first that
// runs again tells the others, and until then they answer.
func (m *machine) halt() {
	m.signal(syscall.SIGSTOP)
	for end := time.Now().Add(haltTime); !stopped(m.process.Pid) && time.Now().Before(end); <-time.After(time.Millisecond) {
	}
}

// stopped says whether no thread of a process runs, as far as the machine tells.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is sound
	for _, file := range threads {
		text, err := os.ReadFile(file)
		if err == nil && !bytes.Contains(text, []byte(") T ")) {
			return false
		}
	}
	return true
}

// kill kills the process, kill -9, also a stopped one, and waits for its end.
func (m *machine) kill() {
	m.signal(syscall.SIGKILL)
	<-m.exited
}

// tail is the end of what its brokers said.
func (m *machine) tail() string {
	const most = 4096
	text, err := os.ReadFile(m.log())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}

// Java runs one source file with Kafka's own clients on its class path; the
// process dies with this one.
func Java(t testing.TB, source string, args ...string) *exec.Cmd {
	t.Helper()
	need(t, "javac", "apt-get install default-jdk-headless")
	flags := []string{"-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true"}
	shared := openCache(t)
	flags = append(flags, "-Dlog4j2.configurationFile="+shared.logging(), "-cp", shared.classpath, source)
	cmd := exec.CommandContext(t.Context(), "java", append(flags, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
