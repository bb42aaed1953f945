package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"betimes/internal/config"
)

func names(parts []part) []string {
	var out []string
	for _, p := range parts {
		out = append(out, p.name)
	}
	return out
}

func TestUpIsTheSumOfTheSingleRoles(t *testing.T) {
	up := names(partsOf("up", nil))
	for _, role := range Roles() {
		for _, name := range names(partsOf(role, nil)) {
			if !slices.Contains(up, name) {
				t.Errorf("role %s has the part %s, up has not", role, name)
			}
		}
	}
	if extra := len(up) - len(slices.Compact(slices.Sorted(slices.Values(up)))); extra != 0 {
		t.Errorf("up builds a part twice: %v", up)
	}
}

func TestARoleLeftOutIsNotBuilt(t *testing.T) {
	got := names(partsOf("up", []string{"gateway"}))
	if slices.Contains(got, "gateway") || !slices.Contains(got, "stream") || !slices.Contains(got, "topics") {
		t.Errorf("up without gateway builds %v", got)
	}
}

func TestARoleWithoutBrokersIsNotReady(t *testing.T) {
	ended, end := context.WithCancel(t.Context())
	end() // nobody waits for brokers that are away
	for _, role := range []string{"gateway", "stream", "watch"} {
		loaded, err := config.Parse("test.yaml", []byte("name: test\nmodels: {m: {rest: {url: 'http://127.0.0.1:1/'}}}\nadmin: {listen: '127.0.0.1:0'}\nflow: {stream: {from: latest}}\nkafka: {seeds: ['127.0.0.1:1']}"), config.Options{})
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(loaded, Options{Role: role})
		if err != nil {
			t.Fatal(err)
		}
		if err := a.openAdmin(); err != nil {
			t.Fatal(err)
		}
		if err := a.buildTopics(ended); err == nil {
			t.Error("topics of brokers that are away")
		}
		if failed := a.admin.Ready(t.Context()); failed["broker"] == nil {
			t.Errorf("%s is not ready because of %v", role, failed)
		}
		a.closeAll()
		_ = a.admin.Close()
	}
}

func TestADataFolderIsRefusedWithARemedy(t *testing.T) {
	cases := map[string]struct {
		prepare func(t *testing.T, dir string)
		want    string
	}{
		"in use by another process": {func(t *testing.T, dir string) {
			f, err := openFolder(dir, "up")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(f.close)
		}, "is in use by another betimes"},
		"written by another version": {func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "version"), []byte("betimes 9\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, `was written by another version ("betimes 9", this one is "betimes 1")`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.prepare(t, dir)
			f, err := openFolder(dir, "up")
			if err == nil {
				f.close()
				t.Fatal("taken")
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "data_dir") {
				t.Error(err)
			}
		})
	}
}
