//go:build interop

package registry

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// apicurioVersion is the Apicurio Registry that runs.
const apicurioVersion = "2.6.13.Final"

// apicurio fills a folder of the cache with the registry, once, and gives its program.
func apicurio(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "betimes")
	}
	dir := filepath.Join(cache, "apicurio-"+apicurioVersion)
	program := filepath.Join(dir, "apicurio-registry-app-"+apicurioVersion+"-runner.jar")
	if _, err := os.Stat(filepath.Join(dir, ".done")); err == nil {
		return program
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mvn", "-q", "-B", "dependency:copy", "-Dartifact=io.apicurio:apicurio-registry-app:"+apicurioVersion+":tar.gz:all", "-DoutputDirectory="+dir)
	archive := filepath.Join(dir, "apicurio-registry-app-"+apicurioVersion+"-all.tar.gz")
	run(t, "tar", "xzf", archive, "-C", dir)
	if err := errors.Join(os.Remove(archive), os.WriteFile(filepath.Join(dir, ".done"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	return program
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// startApicurio starts a registry that keeps everything in memory, and gives its
// address for Confluent's clients and how to kill it.
func startApicurio(t *testing.T) (url string, kill func()) {
	program := apicurio(t)
	port := unused(t)
	cmd := exec.Command("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dquarkus.http.host=127.0.0.1", fmt.Sprintf("-Dquarkus.http.port=%d", port), "-jar", program)
	cmd.Dir = t.TempDir()
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	t.Cleanup(func() {
		kill()
		if t.Failed() {
			t.Logf("%s", log.Bytes()[max(0, log.Len()-4096):])
		}
	})
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	base := fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 900 {
		if resp, err := http.Get(base + "/health/ready"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return base + "/apis/ccompat/v7", kill
			}
		}
		<-tick.C
	}
	t.Fatal("Apicurio is not ready")
	return "", nil
}

// unused is a port where nobody listens, nor will until Java has started: below those
// that the system gives to whoever asks for any, and apart from those that brokers choose.
func unused(t *testing.T) int {
	t.Helper()
	const first, last = 19100, 19999
	for range last - first {
		port := first + rand.IntN(last-first+1)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatalf("no port between %d and %d is free", first, last)
	return 0
}

// register gives the id of a schema.
func register(t *testing.T, url, subject, body string) uint32 {
	t.Helper()
	resp, err := http.Post(url+"/subjects/"+subject+"/versions", "application/vnd.schemaregistry.v1+json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	var said struct{ ID uint32 }
	if err := json.Unmarshal(text, &said); err != nil || said.ID == 0 {
		t.Fatalf("%d %s", resp.StatusCode, text)
	}
	return said.ID
}

// TestInteropApicurio reads records whose schemas a real registry has.
func TestInteropApicurio(t *testing.T) {
	url, kill := startApicurio(t)
	const money = `{"type":"record","name":"Money","namespace":"shop","fields":[{"name":"cents","type":"long"}]}`
	const order = `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"total","type":"shop.Money"}]}`
	const newer = `{"type":"record","name":"Payment","fields":[{"name":"id","type":"string"},{"name":"amount","type":"double"},{"name":"hour","type":"int"},
		{"name":"note","type":["null","string"],"default":null},{"name":"country","type":"string","default":"NL"}]}`
	first := register(t, url, "payments-value", told(payment))
	second := register(t, url, "payments-value", told(newer))
	register(t, url, "shop.Money", told(money))
	orders := register(t, url, "orders-value", strings.TrimSuffix(told(order), "}")+`,"references":[{"name":"shop.Money","subject":"shop.Money","version":1}]}`)
	c := DefaultConfig()
	c.URL = url
	d, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	values := map[string][]byte{
		`{"amount":12.5,"hour":3,"id":"p-1","note":null}`:            record(t, first, payment, map[string]any{"id": "p-1", "amount": 12.5, "hour": 3}),
		`{"amount":1,"country":"DE","hour":4,"id":"p-2","note":"a"}`: record(t, second, newer, map[string]any{"id": "p-2", "amount": 1.0, "hour": 4, "note": "a", "country": "DE"}),
		`{"total":{"cents":100}}`:                                    append([]byte{0, 0, 0, byte(orders >> 8), byte(orders)}, 0xc8, 0x01),
	}
	for want, value := range values {
		if got, err := d.JSON(value); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	if _, err := d.JSON([]byte{0, 0, 1, 0, 0, 0}); err == nil || errors.Is(err, ErrAway) {
		t.Errorf("an id that it does not have: %v", err)
	}
	kill()
	for want, value := range values {
		if got, err := d.JSON(value); err != nil || string(got) != want {
			t.Errorf("the registry is away: got %s, %v, want %s", got, err, want)
		}
	}
	if _, err := d.JSON([]byte{0, 0, 2, 0, 0, 0}); !errors.Is(err, ErrAway) || d.Err() == nil {
		t.Errorf("the registry is away, an id that was not asked for: %v", err)
	}
}
