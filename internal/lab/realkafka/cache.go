//go:build interop

package realkafka

import (
	"archive/zip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	//go:embed testdata/Brokers.java
	brokers []byte
)

// cache is the folder of what every broker shares.
type cache struct {
	dir       string
	classpath string // the jars in one order: the archive of classes depends on it
}

func (c cache) lib() string        { return filepath.Join(c.dir, "lib") }
func (c cache) logging() string    { return filepath.Join(c.dir, "log4j2.properties") }
func (c cache) archive() string    { return filepath.Join(c.dir, "kafka.jsa") }
func (c cache) checkpoint() string { return filepath.Join(c.dir, "bootstrap.checkpoint") }

// quick is the flag that lets a machine start from the archive.
func (c cache) quick() []string { return []string{"-XX:SharedArchiveFile=" + c.archive()} }

// flags are those of every Java machine; dir is its folder.
func (c cache) flags(dir string, more ...string) []string {
	return append([]string{
		"-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-Dkafka.logs.dir=" + dir, "-Dlog4j2.configurationFile=" + c.logging(), "-cp", c.classpath,
	}, more...)
}

// openCache fills the folder of these sources when it is empty, and returns it.
// Other sources have another folder: brokers may run from it.
func openCache(t testing.TB) cache {
	t.Helper()
	need(t, "java", "apt-get install default-jdk-headless")
	sum := sha256.Sum256(slices.Concat(pom, logging, brokers, []byte(strings.Join(firstMetadata(), " "))))
	c := cache{dir: filepath.Join(cacheRoot(t), "kafka-"+Version+"-"+hex.EncodeToString(sum[:4]))}
	check(t, os.MkdirAll(c.dir, 0o755))
	defer lock(t, filepath.Join(c.dir, ".lock"))()
	done := filepath.Join(c.dir, ".done")
	_, err := os.Stat(done)
	if err != nil {
		c.fetch(t)
		c.compile(t)
	}
	c.classpath = jars(t, c.lib())
	if err != nil {
		c.format(t)
		c.archiveClasses(t)
		check(t, os.WriteFile(done, nil, 0o644))
	}
	return c
}

// Classpath are the jars of Apache Kafka, its Java client among them.
func Classpath(t testing.TB) string {
	t.Helper()
	return openCache(t).classpath
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
	check(t, os.RemoveAll(c.lib()))
	check(t, os.WriteFile(c.logging(), logging, 0o644))
	file := filepath.Join(c.dir, "pom.xml")
	check(t, os.WriteFile(file, pom, 0o644))
	run(t, "mvn", "-q", "-B", "-f", file, "dependency:copy-dependencies", "-DoutputDirectory="+c.lib())
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

// compile makes the jar of the program that runs several brokers: the archive
// of classes takes no folder of classes on the class path.
func (c cache) compile(t testing.TB) {
	t.Helper()
	need(t, "javac", "apt-get install default-jdk-headless")
	dir := folder(t)
	source := filepath.Join(dir, "Brokers.java")
	check(t, os.WriteFile(source, brokers, 0o644))
	run(t, "javac", "-cp", filepath.Join(c.lib(), "*"), "-d", filepath.Join(dir, "classes"), source)
	jar, err := os.Create(filepath.Join(c.lib(), "brokers.jar"))
	check(t, err)
	defer jar.Close()
	w := zip.NewWriter(jar)
	check(t, w.AddFS(os.DirFS(filepath.Join(dir, "classes"))))
	check(t, w.Close())
}

// firstMetadata are the flags that put the users of SCRAM into the metadata
// with which a new cluster begins.
func firstMetadata() []string {
	user := fmt.Sprintf("[name=%s,password=%s]", User, Password)
	return []string{"--add-scram", "SCRAM-SHA-256=" + user, "--add-scram", "SCRAM-SHA-512=" + user}
}

// format lets Kafka write the checkpoint with which the metadata of a new node
// begins: it is the same for every node of a version.
func (c cache) format(t testing.TB) {
	t.Helper()
	n := c.single(t)
	check(t, os.WriteFile(n.file(), n.properties(), 0o644))
	args := append(c.flags(n.dir), "kafka.tools.StorageTool", "format", "-t", newID(), "-c", n.file())
	run(t, "java", append(args, firstMetadata()...)...)
	data, err := os.ReadFile(filepath.Join(n.data(), "bootstrap.checkpoint"))
	check(t, err)
	check(t, os.WriteFile(c.checkpoint(), data, 0o644))
}

// single is one broker alone.
func (c cache) single(t testing.TB) *node {
	t.Helper()
	n := &node{id: 1, dir: folder(t), ports: Ports(t, portsOfNode), cache: c}
	n.peers = []*node{n}
	n.machine = &machine{dir: n.dir, nodes: n.peers, cache: c}
	return n
}

// archiveClasses runs one broker and has its classes archived at its end:
// later brokers start in less than half the time.
func (c cache) archiveClasses(t testing.TB) {
	t.Helper()
	check(t, os.RemoveAll(c.archive()))
	n := c.single(t)
	n.machine.flags = []string{"-XX:ArchiveClassesAtExit=" + c.archive()}
	n.prepare(t, newID(), n.properties())
	n.machine.start(t)
	n.await(t)
	n.machine.signal(syscall.SIGTERM)
	select {
	case <-n.machine.exited:
	case <-time.After(patience):
		n.machine.kill()
		t.Fatalf("a broker does not end\n%s", n.machine.tail())
	}
}
