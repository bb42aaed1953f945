package emulator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// sites are made when the first request comes from their place. To find one takes no lock.
type sites struct {
	all  atomic.Pointer[map[place]*site]
	mu   sync.Mutex      // while they change
	open context.Context // of Run; nil before
}

// maxSites bounds what signatures that nobody checks can make.
const maxSites = 64

var errNoRegion = errors.New("no region has such a name")

var errTooMany = fmt.Errorf("this emulator holds resources of %d accounts and regions already, the most it can; POST /_emu/reset removes them", maxSites)

// at is the site of a place; nil when there is none.
func (l *sites) at(p place) *site { return (*l.all.Load())[p] }

// list has all sites, home first.
func (l *sites) list() []*site {
	all := slices.Collect(maps.Values(*l.all.Load()))
	slices.SortFunc(all, func(a, b *site) int {
		switch {
		case a.place == home:
			return -1
		case b.place == home:
			return 1
		}
		return strings.Compare(a.String(), b.String())
	})
	return all
}

// with has a further site; mu is held.
func (l *sites) with(s *site) {
	more := map[place]*site{s.place: s}
	if all := l.all.Load(); all != nil {
		maps.Copy(more, *all)
	}
	l.all.Store(&more)
}

// folder of a place: home's is the state folder itself, as it was before there were others.
func (e *Emulator) folder(p place) string {
	if p == home {
		return e.dir
	}
	return filepath.Join(e.dir, "places", p.account, p.region)
}

// openSites reads what is kept.
func (e *Emulator) openSites() error {
	kept := []place{home}
	found, _ := filepath.Glob(filepath.Join(e.dir, "places", "*", "*")) // the pattern is sound
	for _, dir := range found {
		p := place{filepath.Base(filepath.Dir(dir)), filepath.Base(dir)}
		if p == home || !isAccount(p.account) || !regionForm.MatchString(p.region) {
			return fmt.Errorf("emulator state: %s is no ACCOUNT/REGION; remove it", dir)
		}
		kept = append(kept, p)
	}
	for _, p := range kept {
		s, err := e.newSite(p, e.folder(p))
		if err != nil {
			return err
		}
		e.sites.with(s)
	}
	return nil
}

// site finds the services of a place, or makes them.
func (e *Emulator) site(p place) (*site, error) {
	if s := e.sites.at(p); s != nil {
		return s, nil
	}
	if !regionForm.MatchString(p.region) {
		return nil, errNoRegion
	}
	e.sites.mu.Lock()
	defer e.sites.mu.Unlock()
	if s := e.sites.at(p); s != nil {
		return s, nil
	}
	if len(*e.sites.all.Load()) >= maxSites {
		return nil, errTooMany
	}
	s, err := e.newSite(p, e.folder(p))
	if err != nil {
		return nil, err
	}
	if e.sites.open != nil {
		s.start(e.sites.open, e.URL())
	}
	e.sites.with(s)
	return s, nil
}

// resumeTime is how long Ready waits for endpoints of an earlier run.
const resumeTime = 10 * time.Second

// startSites starts all sites at once, and has later ones start when they are made.
func (e *Emulator) startSites(ctx context.Context) {
	limited, cancel := context.WithTimeout(ctx, resumeTime)
	defer cancel()
	e.sites.mu.Lock()
	e.sites.open = ctx
	all := e.sites.list()
	e.sites.mu.Unlock()
	var starting sync.WaitGroup
	for _, s := range all {
		starting.Go(func() { s.start(limited, e.URL()) })
	}
	starting.Wait()
}

// release lets go of all callers that wait.
func (e *Emulator) release() {
	for _, s := range e.sites.list() {
		s.release()
	}
}

func (e *Emulator) closeSites() {
	e.sites.mu.Lock()
	defer e.sites.mu.Unlock()
	var closing sync.WaitGroup
	for _, s := range e.sites.list() {
		closing.Go(s.close)
	}
	closing.Wait()
}

// resetSites empties home and removes the others.
func (e *Emulator) resetSites() error {
	e.sites.mu.Lock()
	defer e.sites.mu.Unlock()
	var failed []error
	left := map[place]*site{}
	for _, s := range e.sites.list() {
		failed = append(failed, s.reset())
		if s.place == home {
			left[home] = s
			continue
		}
		s.close()
		failed = append(failed, os.RemoveAll(e.folder(s.place)))
	}
	e.sites.all.Store(&left)
	return errors.Join(failed...)
}

// post brings notifications to queues, wherever those are.
type post struct{ sites *sites }

// Exists says whether an ARN is that of a queue.
func (p post) Exists(arn string) bool {
	s := p.of(arn)
	return s != nil && s.queues.Exists(arn)
}

// Send puts a body into the queue of an ARN.
func (p post) Send(arn, body string) error {
	if s := p.of(arn); s != nil {
		return s.queues.Send(arn, body)
	}
	return fmt.Errorf("there is no queue %s", arn)
}

func (p post) of(arn string) *site {
	at, ok := placeOf(arn)
	if !ok {
		return nil
	}
	return p.sites.at(at)
}
