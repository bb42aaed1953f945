//go:build interop

package realkafka

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Version is the Apache Kafka that runs.
const Version = "4.3.1"

var (
	//go:embed testdata/pom.xml
	pom []byte
	//go:embed testdata/log4j2.properties
	logging []byte
)

// cache is the folder of what every broker shares.
type cache struct {
	dir       string
	classpath string // the jars in one order: the archive of classes depends on it
}

func (c cache) logging() string    { return filepath.Join(c.dir, "log4j2.properties") }
func (c cache) archive() string    { return filepath.Join(c.dir, "kafka.jsa") }
func (c cache) checkpoint() string { return filepath.Join(c.dir, "bootstrap.checkpoint") }

// openCache fills the folder when it is not of this pom, and returns it.
func openCache(t testing.TB) cache {
	t.Helper()
	need(t, "java", "apt-get install default-jre-headless")
	c := cache{dir: filepath.Join(cacheRoot(t), "kafka-"+Version)}
	check(t, os.MkdirAll(c.dir, 0o755))
	defer lock(t, filepath.Join(c.dir, ".lock"))()
	sum := sha256.Sum256(append(append([]byte{}, pom...), logging...))
	done := filepath.Join(c.dir, ".done-"+hex.EncodeToString(sum[:]))
	_, err := os.Stat(done)
	if err != nil {
		c.fetch(t)
	}
	c.classpath = jars(t, filepath.Join(c.dir, "lib"))
	if err != nil {
		c.format(t)
		c.archiveClasses(t)
		check(t, os.WriteFile(done, nil, 0o644))
	}
	return c
}

// cacheRoot is the folder that outlives tests.
func cacheRoot(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("BETIMES_CACHE"); dir != "" {
		return dir
	}
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("no cache folder: %v; set BETIMES_CACHE", err)
	}
	return filepath.Join(user, "betimes")
}

// fetch copies the jars from Maven Central.
func (c cache) fetch(t testing.TB) {
	t.Helper()
	need(t, "mvn", "apt-get install maven")
	lib := filepath.Join(c.dir, "lib")
	check(t, os.RemoveAll(lib))
	check(t, os.WriteFile(c.logging(), logging, 0o644))
	file := filepath.Join(c.dir, "pom.xml")
	check(t, os.WriteFile(file, pom, 0o644))
	run(t, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies", "-DoutputDirectory="+lib)
}

// jars lists a folder's jars as a class path, in the order of their names.
func jars(t testing.TB, lib string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(lib, "*.jar")) // sorted
	check(t, err)
	if len(list) == 0 {
		t.Fatalf("%s holds no jar; remove the folder above it, so that it is filled again", lib)
	}
	return strings.Join(list, string(os.PathListSeparator))
}

// format lets Kafka write the checkpoint with which the metadata of a new node
// begins: it is the same for every node of a version.
func (c cache) format(t testing.TB) {
	t.Helper()
	dir := folder(t)
	n := &node{id: 1, dir: dir, ports: takePorts(t, 2), cache: c}
	n.peers = []*node{n}
	check(t, os.WriteFile(n.file(), n.properties(nil), 0o644))
	run(t, "java", append(n.flags(), "kafka.tools.StorageTool", "format", "-t", newID(), "-c", n.file())...)
	data, err := os.ReadFile(filepath.Join(n.data(), "bootstrap.checkpoint"))
	check(t, err)
	check(t, os.WriteFile(c.checkpoint(), data, 0o644))
}

// archiveClasses runs one broker and has its classes archived at its end:
// later brokers start in less than half the time.
func (c cache) archiveClasses(t testing.TB) {
	t.Helper()
	check(t, os.RemoveAll(c.archive()))
	n := &node{id: 1, dir: folder(t), ports: takePorts(t, 2), cache: c, more: []string{"-XX:ArchiveClassesAtExit=" + c.archive()}}
	n.peers = []*node{n}
	n.prepare(t, newID(), nil)
	n.start(t)
	n.await(t, 1)
	check(t, n.process.Signal(syscall.SIGTERM))
	select {
	case <-n.exited:
	case <-time.After(time.Minute):
		n.kill()
		t.Fatalf("a broker does not end\n%s", n.tail())
	}
}

// folder makes a folder that ends with the test. Kafka takes a comma in its path
// for the end of it, and the test's own folder has the test's name.
func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "betimes-kafka-")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(dir)) })
	return dir
}

// lock waits for a file's lock and returns what gives it back.
func lock(t testing.TB, file string) func() {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o644)
	check(t, err)
	check(t, syscall.Flock(int(f.Fd()), syscall.LOCK_EX))
	return func() { f.Close() }
}

// need fails the test when a program is missing, with what installs it.
func need(t testing.TB, program, install string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed, real brokers need it: sudo %s", program, install)
	}
}

// run runs a program to its end.
func run(t testing.TB, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, program, args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s: %w\n%s", program, err, out))
	}
}

// check fails the test when something went wrong that has nothing to do with it.
func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
