//go:build interop

package main

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestInteropTheReadmesCommandsWorkAsPrinted runs the README's second block,
// line by line, while up runs the example as `make up` does.
func TestInteropTheReadmesCommandsWorkAsPrinted(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:8080", "127.0.0.1:8070", "127.0.0.1:8090", "127.0.0.1:19092"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatalf("the README's commands use %s, which is taken here: %v", addr, err)
		}
		l.Close()
	}
	dir := t.TempDir()
	runIn(t, dir, "go", "build", "-C", absolute(t, "../.."), "-o", filepath.Join(dir, "bin", "betimes"), "./cmd/betimes")
	if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../../examples")); err != nil {
		t.Fatal(err)
	}
	upAsMakeDoes(t, dir)
	for _, line := range readmeLines(t, "<!-- test: up -->") {
		// The load's half minute is for people; the command is the same.
		runIn(t, dir, "bash", "-ec", strings.ReplaceAll(line, "--for 30s", "--for 3s"))
	}
	fileByKcat(t, dir)
}

// fileByKcat sends the lines of a file with kcat, as any producer would, and
// waits until each has its prediction.
func fileByKcat(t *testing.T, dir string) {
	t.Helper()
	var lines strings.Builder
	for _, key := range []string{"from-a-file-1", "from-a-file-2"} {
		lines.WriteString(key + "\t" + `{"card_token":"` + key + `","amount":12,"hour":3,"country_risk":0.2,"merchant_risk":0.3}` + "\n")
	}
	if err := os.WriteFile(filepath.Join(dir, "events.txt"), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	runIn(t, dir, "bash", "-ec", `kcat -P -b 127.0.0.1:19092 -t events -K '\t' -l events.txt
		until [ "$(kcat -b 127.0.0.1:19092 -t predictions -C -o beginning -e -q -f '%k\n' | grep -c from-a-file)" = 2 ]; do :; done; echo predicted`)
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// runIn runs a command to its end in dir; it must succeed and say something.
func runIn(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	if name == "bash" && len(bytes.TrimSpace(out)) == 0 {
		t.Errorf("%s: says nothing", args[len(args)-1])
	}
}

// upAsMakeDoes starts up on the example and stops it with the test.
func upAsMakeDoes(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command("./bin/betimes", "up", "examples/v1-simplified.yaml")
	cmd.Dir = dir
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(log)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "is ready after") {
				ready <- true
			}
		}
		ready <- false
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("up after SIGTERM: %v", err)
		}
	})
	if !<-ready {
		t.Fatal("up ended before it was ready")
	}
}

// readmeLines are the commands of the block behind a mark; a line that ends with
// a backslash goes on.
func readmeLines(t *testing.T, mark string) []string {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), mark+"\n```sh\n")
	block, _, closed := strings.Cut(rest, "\n```")
	if !found || !closed {
		t.Fatalf("README.md has no block behind %s", mark)
	}
	var lines []string
	for _, line := range strings.Split(strings.ReplaceAll(block, "\\\n", " "), "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}
