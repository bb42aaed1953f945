package store

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

type thing struct{ N int }

func TestWhatWasPutIsLoaded(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"plain", "With-Case", "arn:aws:sagemaker:us-east-1:0:endpoint/a b", strings.Repeat("ü", 255), strings.Repeat("ü", 254) + "b", "^", "..", "^" + strings.Repeat("0", 64)}
	for i, name := range names {
		if err := s.Put("kind", name, thing{i}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete("kind", "plain"); err != nil {
		t.Fatal(err)
	}
	// A kill between write and rename leaves this behind.
	if err := os.WriteFile(filepath.Join(dir, "kind", ".new-123"), []byte(`{"N":`), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Load[thing](again, "kind")
	if err != nil || len(all) != len(names)-1 {
		t.Errorf("loaded %v, %v", all, err)
	}
	for i, name := range names[1:] {
		if all[name].N != i+1 {
			t.Errorf("%q is %v", name, all[name])
		}
		if err := again.Delete("kind", name); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "kind")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestDeletingWhatIsNotThereIsNoError(t *testing.T) {
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete("kind", "none"); err != nil {
		t.Error(err)
	}
}

func TestAFolderOfAnotherVersionIsRefusedWithARemedy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "version"), []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir)
	if err == nil || !strings.Contains(err.Error(), `is of version "7", this program reads 1`) || !strings.Contains(err.Error(), dir) {
		t.Errorf("error %v", err)
	}
}

func TestADamagedFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Put("kind", "x", thing{1}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "kind", "x.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load[thing](s, "kind"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
}

// BenchmarkLoad reads 11,000 resources, as a start does.
func BenchmarkLoad(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Put("kind", "first", thing{1}); err != nil {
		b.Fatal(err)
	}
	request := `{"N":1,"request":"` + strings.Repeat("x", 1500) + `"}`
	for i := range 11_000 {
		if err := os.WriteFile(filepath.Join(dir, "kind", strconv.Itoa(i)+".json"), []byte(request), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if all, err := Load[thing](s, "kind"); err != nil || len(all) != 11_001 {
			b.Fatalf("loaded %d, %v", len(all), err)
		}
	}
}
