package program

import (
	"os"
	"os/exec"
	"path/filepath"
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

// seen is the path of base/ml for a program, and whether that is /opt/ml: on machines that allow it.
func (s *Starter) seen(base string) (string, bool) {
	s.once.Do(func() {
		command := exec.Command("/bin/true")
		enclose(command, base)
		s.mounts = command.Run() == nil
	})
	if s.mounts {
		return contractDir, true
	}
	return filepath.Join(base, "ml"), false
}

// attributes let a program die with the emulator, also when that is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// enclose gives command user and mount namespaces of its own.
func enclose(command *exec.Cmd, base string) {
	for _, name := range []string{"upper", "work"} {
		_ = os.MkdirAll(filepath.Join(base, name), 0o700) // else the script says so
	}
	command.Args = append([]string{"sh", "-c", mountScript, "sh", base, command.Path}, command.Args[1:]...)
	command.Path = "/bin/sh"
	command.SysProcAttr = attributes()
	command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
	command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
	command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
}
