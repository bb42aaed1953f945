//go:build interop

package broker_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"betimes/internal/kafka"
)

// need fails the test when a program is missing, with what installs it.
func need(t *testing.T, program, install string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed: %s", program, install)
	}
}

// run runs a program with input and returns what it printed.
func run(t *testing.T, input, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", program, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func TestInteropKcat(t *testing.T) {
	need(t, "kcat", "sudo apt-get install kcat")
	b := startIn(t, t.TempDir())
	c := openDoor(t, b.Addrs())
	seeds := strings.Join(b.Addrs(), ",")
	ensure(t, c, kafka.TopicSpec{Name: "things", Partitions: 3, ReplicationFactor: 3})

	if listed := run(t, "", "kcat", "-L", "-b", seeds); !strings.Contains(listed, `topic "things" with 3 partitions`) || !strings.Contains(listed, "3 brokers:") {
		t.Errorf("kcat -L printed\n%s", listed)
	}
	var lines []string
	for i := range 500 {
		lines = append(lines, fmt.Sprintf("k%d:v%03d", i%11, i))
	}
	run(t, strings.Join(lines, "\n")+"\n", "kcat", "-P", "-b", seeds, "-t", "things", "-K:", "-z", "zstd", "-H", "from=kcat", "-X", "enable.idempotence=true")
	if got := values(t, c, "things"); len(got) != 500 {
		t.Errorf("%d records came from kcat, want 500", len(got))
	}
	write(t, c, "things", "from the door")

	simple := strings.Fields(run(t, "", "kcat", "-C", "-b", seeds, "-t", "things", "-e", "-q", "-f", "%h\n"))
	if n := len(slices.DeleteFunc(simple, func(h string) bool { return h != "from=kcat" })); n != 500 {
		t.Errorf("kcat read %d records with its header, want 500", n)
	}
	grouped := run(t, "", "kcat", "-G", "kcat-group", "-b", seeds, "-q", "-c", "501", "-X", "auto.offset.reset=earliest", "-f", "%s\n", "things")
	seen := strings.Split(strings.TrimSpace(grouped), "\n")
	if len(seen) != 501 || !slices.Contains(seen, "from the door") || !slices.Contains(seen, "v499") {
		t.Errorf("kcat read %d records in a group, want 501", len(seen))
	}
	committed, err := c.Committed(limit(t), "kcat-group")
	var sum int64
	for _, o := range committed {
		sum += o
	}
	if err != nil || sum != 501 {
		t.Errorf("kcat's group committed %v, %v; want 501 in all", committed, err)
	}
	if created := run(t, "x\n", "kcat", "-P", "-b", seeds, "-t", "made-by-kcat"); created != "" {
		t.Errorf("kcat printed %q", created)
	}
	if got := values(t, c, "made-by-kcat"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("the topic made by writing holds %q", got)
	}
}

func TestInteropJava(t *testing.T) {
	need(t, "java", "sudo apt-get install openjdk-17-jdk-headless")
	lib := javaClient(t)
	b := startIn(t, t.TempDir())
	out := run(t, "", "java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.net.preferIPv4Stack=true",
		"-cp", filepath.Join(lib, "*"), filepath.Join("testdata", "java", "Interop.java"), strings.Join(b.Addrs(), ","))
	want := "created java-things\ndescribed java-things, brokers 3\nproduced 1000\n" +
		"consumed 1000 as classic\nconsumed 1000 as consumer\ncommitted by both groups\n"
	if out != want {
		t.Errorf("Java printed\n%s, want\n%s", out, want)
	}
	if got := values(t, openDoor(t, b.Addrs()), "java-things"); len(got) != 1000 {
		t.Errorf("%d records came from Java, want 1000", len(got))
	}
}

// javaClient returns the folder of the Java client's jars. They are fetched
// from Maven Central once and kept in BETIMES_CACHE, or the user's cache folder.
func javaClient(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatalf("no cache folder: %v; set BETIMES_CACHE", err)
		}
		cache = filepath.Join(user, "betimes")
	}
	pom, err := filepath.Abs(filepath.Join("testdata", "java", "pom.xml"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(pom)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	dir := filepath.Join(cache, "java-client")
	lib, done := filepath.Join(dir, "lib"), filepath.Join(dir, ".done-"+hex.EncodeToString(sum[:]))
	if _, err := os.Stat(done); err == nil {
		return lib
	}
	need(t, "mvn", "sudo apt-get install maven")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "", "mvn", "-q", "-B", "-f", pom, "dependency:copy-dependencies", "-DoutputDirectory="+lib)
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return lib
}
