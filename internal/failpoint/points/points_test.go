package points

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree writes one file of Go and returns the root above it.
func tree(t *testing.T, body string) string {
	t.Helper()
	root := t.TempDir()
	for _, top := range []string{"internal", "cmd"} {
		if err := os.Mkdir(filepath.Join(root, top), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text := "package x\n\nfunc f() {\n" + body + "\n}\n"
	if err := os.WriteFile(filepath.Join(root, "internal", "x.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestPointsAreFoundWithTheirReasons(t *testing.T) {
	all, err := List(tree(t, `
	other.Reach("no")
	if err := failpoint.Fail("b"); err != nil { // before the step
	}
	failpoint.Reach("a") // after it`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Point{{"a", "internal/x.go", "after it"}, {"b", "internal/x.go", "before the step"}}
	if len(all) != 2 || all[0] != want[0] || all[1] != want[1] {
		t.Errorf("found %v, want %v", all, want)
	}
}

func TestAPointThatCannotBeListedIsRefused(t *testing.T) {
	for name, tt := range map[string]struct{ body, want string }{
		"its name is computed": {`failpoint.Reach(name) // why`, "literal"},
		"its name is taken":    {"failpoint.Reach(\"a\") // why\nfailpoint.Reach(\"a\") // why", "already"},
		"it has no reason":     {`failpoint.Reach("a")`, "no comment"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := List(tree(t, tt.body)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}
