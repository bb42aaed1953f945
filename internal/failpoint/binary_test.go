//go:build interop

package failpoint_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"betimes/internal/failpoint/points"
)

// TestInteropABinaryWithoutTheTagHasNoTraceOfThem builds the binary both ways:
// what users run must not pay for points, nor be killed by a variable.
func TestInteropABinaryWithoutTheTagHasNoTraceOfThem(t *testing.T) {
	all, err := points.List("../..")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d points, %v", len(all), err)
	}
	for name, tt := range map[string]struct {
		tags string
		want bool
	}{"plain": {"", false}, "with the tag": {"failpoints", true}} {
		t.Run(name, func(t *testing.T) {
			text := build(t, tt.tags)
			for _, p := range all {
				if bytes.Contains(text, []byte(p.Name)) != tt.want {
					t.Errorf("the binary names %s: %v, want %v", p.Name, !tt.want, tt.want)
				}
			}
			for _, trace := range []string{"betimes/internal/failpoint.", "BETIMES_FAILPOINT"} {
				if bytes.Contains(text, []byte(trace)) != tt.want {
					t.Errorf("the binary has %s: %v, want %v", trace, !tt.want, tt.want)
				}
			}
		})
	}
}

// build builds betimes and returns its bytes.
func build(t *testing.T, tags string) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "betimes")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-tags", tags, "-o", file, "betimes/cmd/betimes").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
