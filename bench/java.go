package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers/pom.xml peers/*.java
var sources embed.FS

// Names of the Java peers.
const (
	parallelConsumer = "parallel-consumer"
	kafkaStreams     = "kafka-streams"
)

// javaWarmUp is what a Java machine needs until it has compiled what is hot.
const javaWarmUp = 12 * time.Second

// javaPeers fetches and compiles the Java peers, unless the cache has them.
// Without Java or Maven the error is errAbsent.
func javaPeers() ([]system, error) {
	dir, err := javaCache()
	if err != nil {
		return nil, err
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("%w: java is not installed: sudo apt-get install default-jdk-headless", errAbsent)
	}
	const common = "linger 0, acks=all, idempotent, fetch.min.bytes 1, commit each 5 s, one blocking HTTP call per record, 64 kept connections; -XX:+UseSerialGC -Xms128m -Xmx128m"
	peer := func(name, class, settings string) system {
		return system{
			name: name, program: java, asks: true, java: true, warmUp: javaWarmUp,
			settings: settings + ", " + common, args: javaArgs(dir, class),
		}
	}
	return []system{
		peer(parallelConsumer, "ParallelPeer", "Confluent Parallel Consumer 0.5.3.3, order KEY, maxConcurrency 64"),
		peer(kafkaStreams, "StreamsPeer", "Kafka Streams 4.3.1, 8 threads for 8 partitions, at_least_once"),
	}, nil
}

func javaArgs(dir, class string) func(place) ([]string, error) {
	return func(r place) ([]string, error) {
		args := []string{
			"-XX:+UseSerialGC", "-XX:-UseDynamicNumberOfCompilerThreads", "-Xms128m", "-Xmx128m", "-Djava.net.preferIPv4Stack=true", "-Dhttp.maxConnections=64",
			"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
			"-cp", filepath.Join(dir, "classes") + ":" + filepath.Join(dir, "lib", "*"), class,
			strings.Join(r.Topics.Seeds, ","), r.Topics.In, r.Topics.Out, r.Group, r.URL,
		}
		if r.CA != "" {
			args = append(args, r.CA)
		}
		return args, nil
	}
}

// javaCache is the folder with the jars and the compiled peers of these sources,
// below BETIMES_CACHE as the brokers of the tests are.
func javaCache() (string, error) {
	sum := sha256.New()
	names, err := sources.ReadDir("peers")
	if err != nil {
		return "", err
	}
	for _, n := range names {
		text, err := sources.ReadFile("peers/" + n.Name())
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", n.Name(), len(text), text)
	}
	root := os.Getenv("BETIMES_CACHE")
	if root == "" {
		if root, err = os.UserCacheDir(); err != nil {
			return "", fmt.Errorf("no cache folder: %w; set BETIMES_CACHE", err)
		}
		root = filepath.Join(root, "betimes")
	}
	dir := filepath.Join(root, "peers-"+hex.EncodeToString(sum.Sum(nil))[:16])
	if _, err := os.Stat(filepath.Join(dir, ".done")); err == nil {
		return dir, nil
	}
	return dir, fillCache(dir)
}

// fillCache copies the jars from Maven Central and compiles the peers.
func fillCache(dir string) error {
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("%w: %s is not installed: sudo apt-get install default-jdk-headless maven", errAbsent, tool)
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.CopyFS(dir, sources); err != nil {
		return err
	}
	lib, classes := filepath.Join(dir, "lib"), filepath.Join(dir, "classes")
	files, err := filepath.Glob(filepath.Join(dir, "peers", "*.java"))
	if err != nil {
		return err
	}
	for _, line := range [][]string{
		{"mvn", "-q", "-B", "-f", filepath.Join(dir, "peers", "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory=" + lib},
		append([]string{"javac", "-d", classes, "-cp", filepath.Join(lib, "*")}, files...),
	} {
		if out, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", line[0], err, out)
		}
	}
	return os.WriteFile(filepath.Join(dir, ".done"), nil, 0o644)
}
