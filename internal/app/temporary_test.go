package app

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTemporaryFoldersOfKilledProcessesAreRemovedAndNoOthers(t *testing.T) {
	dir := t.TempDir()
	temporary := func() *folder {
		t.Helper()
		f, err := openTemporary(dir, "up")
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	killed := temporary()
	killed.close() // what a kill leaves: files, and no lock
	own, err := openFolder(filepath.Join(dir, "betimes-data"), "up")
	if err != nil {
		t.Fatal(err)
	}
	own.close() // somebody's data_dir, not in use now
	running := temporary()
	defer running.close()
	next := temporary()
	defer next.close()
	for path, want := range map[string]bool{killed.path: false, own.path: true, running.path: true, next.path: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", path, err == nil, want)
		}
	}
}
