package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
)

// Options are what comes from outside the file.
type Options struct {
	Set []string                    // path=value each; over the file
	Env func(string) (string, bool) // default: the process's environment
}

// Loaded is a file that was read, settled and found good.
type Loaded struct {
	Config Config
	File   string   // as given
	Files  []string // File, and the one it extends
	origin origins
}

// Written says whether somebody wrote the value at path: in a file, with --set or in
// the environment.
func (l *Loaded) Written(path string) bool {
	from, ok := l.origin[path]
	return ok && !from.derived()
}

// Origin says where the value at path comes from.
func (l *Loaded) Origin(path string) Origin {
	if from, ok := l.origin[path]; ok {
		return from
	}
	return l.origin.because(path)
}

// Load reads the file at path. The error is an *Error with everything that is
// wrong, in the order of the file.
func Load(path string, o Options) (*Loaded, error) {
	l := newLoader(path, o)
	data, err := readFile(path)
	if err != nil {
		l.add(Origin{File: path}, "", "%s", missing(err))
		return nil, l.err(path, l.files)
	}
	return l.load(data)
}

// Parse reads a file's text as if it stood at path.
func Parse(path string, data []byte, o Options) (*Loaded, error) {
	return newLoader(path, o).load(data)
}

// loader carries one file through its steps.
type loader struct {
	list
	path    string
	files   []string
	options Options
	origins origins
}

func newLoader(path string, o Options) *loader {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	return &loader{path: path, files: []string{path}, options: o, origins: origins{}}
}

func (l *loader) load(data []byte) (*Loaded, error) {
	tree := l.layers(data)
	if tree == nil {
		return nil, l.err(l.path, l.files)
	}
	cfg := Default()
	d := decoder{&l.list, l.origins}
	d.value("", tree, reflect.ValueOf(&cfg).Elem())
	l.origins[""] = Origin{File: l.path} // of what stands nowhere
	settle(&cfg, l.path, l.origins)
	l.check(cfg)
	if err := l.err(l.path, l.files); err != nil {
		return nil, err
	}
	return &Loaded{cfg, l.path, l.files, l.origins}, nil
}

// check adds what is wrong with values that could be read; what follows from a
// value that could not be read is left out.
func (l *loader) check(cfg Config) {
	found := list{}
	found.rooms(cfg, l.origins)
	found.across(cfg, l.origins)
	unread := list{slices.Clone(l.problems)}
	said := map[string]bool{} // the room's own word comes first
	for _, p := range found.problems {
		if !unread.covers(p.Path) && !said[p.Path] {
			said[p.Path] = true
			l.add(p.Origin, p.Path, "%s", p.Text)
		}
	}
}

// readFile reads no more than a file may have, so that a device or a log does not fill memory.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	return data, errors.Join(err, f.Close())
}

func missing(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file; write one with betimes init, or name another"
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Sprintf("the file cannot be read: %s; name another, or mend it", err)
}
