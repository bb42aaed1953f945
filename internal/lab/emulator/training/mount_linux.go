package training

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// contractDir is where a program of AWS expects its files.
const contractDir = "/opt/ml"

// mountScript shows the folder $1/ml as /opt/ml, and runs the rest of its
// arguments there. Where /opt/ml does not exist, a layer over /opt makes it.
const mountScript = `set -e
dir=$1
shift
[ -d /opt/ml ] || {
	mount -t overlay overlay -o "lowerdir=/opt,upperdir=$dir/upper,workdir=$dir/work" /opt
	mkdir -p /opt/ml
}
mount --bind "$dir/ml" /opt/ml
exec "$@"`

// mounts gives each program its own /opt/ml, on machines that allow it.
type mounts struct {
	once  sync.Once
	works bool
}

// prepare changes command to run where its folder is /opt/ml, and returns the
// folder's path as the program sees it.
func (m *mounts) prepare(command *exec.Cmd, f *folder) string {
	m.once.Do(func() { m.works = probe(f) })
	if !m.works {
		command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		return filepath.Join(f.base, "ml")
	}
	enclose(command, f)
	return contractDir
}

func probe(f *folder) bool {
	command := exec.Command("/bin/true")
	enclose(command, f)
	return command.Run() == nil
}

// enclose gives command user and mount namespaces of its own.
func enclose(command *exec.Cmd, f *folder) {
	for _, name := range []string{"upper", "work"} {
		_ = os.MkdirAll(filepath.Join(f.base, name), 0o700) // else the script says so
	}
	command.Args = append([]string{"sh", "-c", mountScript, "sh", f.base, command.Path}, command.Args[1:]...)
	command.Path = "/bin/sh"
	command.SysProcAttr = &syscall.SysProcAttr{
		Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
}
