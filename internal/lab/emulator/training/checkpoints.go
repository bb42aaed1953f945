package training

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"
)

// checkpointEvery is how often checkpoints are looked for, of the machine's time.
const checkpointEvery = time.Second

// checkpoints are the files that a program saves for its successor.
type checkpoints struct {
	r    *Runner
	f    *folder
	uri  string                 // s3://BUCKET/PREFIX
	kept map[string]fs.FileInfo // by name, as they were
}

// follow keeps what changes until stop is called, which waits for that.
func (c *checkpoints) follow() (stop func()) {
	if c.uri == "" {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticks := time.NewTicker(checkpointEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
				_ = c.keep() // the last look says what is wrong
			}
		}
	}()
	return func() { cancel(); <-done }
}

// keep writes the files that are new or have changed below the prefix.
func (c *checkpoints) keep() error {
	if c.uri == "" {
		return nil
	}
	bucket, prefix, err := Split(c.uri)
	if err != nil {
		return err
	}
	below, err := c.f.root.OpenRoot("checkpoints")
	if err != nil {
		return err
	}
	defer below.Close()
	names, err := files(below)
	for _, name := range names {
		err = errors.Join(err, c.keepOne(below, name, bucket, strings.TrimPrefix(strings.TrimSuffix(prefix, "/")+"/"+name, "/")))
	}
	return err
}

func (c *checkpoints) keepOne(below *os.Root, name, bucket, key string) error {
	now, err := below.Stat(name)
	if errors.Is(err, fs.ErrNotExist) { // renamed meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	if old := c.kept[name]; old != nil && old.Size() == now.Size() && old.ModTime().Equal(now.ModTime()) {
		return nil
	}
	if err := c.r.keepFile(below, name, bucket, key); err != nil {
		return err
	}
	c.kept[name] = now
	return nil
}
