package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/config"
	"betimes/internal/pulse"
)

// lookEvery is how often the file's time is looked at.
const lookEvery = time.Second

// reloader takes a changed file in: all of it or nothing.
type reloader struct {
	app     *App
	success prometheus.Gauge
	stamps  map[string]time.Time
}

// buildReload adds the room that watches the file.
func (a *App) buildReload(context.Context) error {
	if a.options.Reload == nil {
		return nil
	}
	r := &reloader{app: a, success: prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "betimes_config_reload_success", Help: "1 when the file in force is the newest one, 0 when that one was refused.",
	})}
	r.success.Set(1)
	a.metrics.MustRegister(r.success)
	r.stamps = r.look()
	a.add("reload", r)
	return nil
}

// Run reloads at SIGHUP and when a file has changed.
func (r *reloader) Run(ctx context.Context) error {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hup:
			r.stamps = r.look()
			r.reload()
		case <-tick.C:
			if now := r.look(); !same(now, r.stamps) {
				r.stamps = now
				r.reload()
			}
		}
	}
}

// look notes when the files were written.
func (r *reloader) look() map[string]time.Time {
	stamps := map[string]time.Time{}
	for _, file := range r.app.loaded.Files {
		if info, err := os.Stat(file); err == nil {
			stamps[file] = info.ModTime()
		}
	}
	return stamps
}

func same(a, b map[string]time.Time) bool {
	if len(a) != len(b) {
		return false
	}
	for file, at := range a {
		if !b[file].Equal(at) {
			return false
		}
	}
	return true
}

// reload puts what can change live into force. A bad file, or one with a value
// that needs a restart, leaves everything as it is.
func (r *reloader) reload() {
	a := r.app
	loaded, err := a.options.Reload()
	if err == nil {
		err = waitsForRestart(config.Diff(a.loaded.Config, loaded.Config))
	}
	if err != nil {
		r.success.Set(0)
		a.log.Error("configuration not reloaded, the old one stays in force", "error", err)
		a.change("config", "refused: "+err.Error())
		return
	}
	changes := config.Diff(a.loaded.Config, loaded.Config)
	a.loaded = loaded
	for _, apply := range a.reloads {
		apply(loaded.Config)
	}
	r.success.Set(1)
	a.log.Info("configuration reloaded", "changes", len(changes))
	for _, c := range changes {
		a.change("config", c.Path+": "+c.Old+" -> "+c.New)
	}
}

// waitsForRestart refuses changes that a running process cannot make.
func waitsForRestart(changes []config.Change) error {
	i := slices.IndexFunc(changes, func(c config.Change) bool { return c.Effect != config.Live })
	if i < 0 {
		return nil
	}
	c := changes[i]
	return fmt.Errorf("%s: %s -> %s needs a restart (betimes config diff OLD NEW lists all such changes)", c.Path, c.Old, c.New)
}

// change notes what may explain a rise, for the next pulse.
func (a *App) change(kind, what string) {
	a.changesMu.Lock()
	defer a.changesMu.Unlock()
	a.changes = append(a.changes, pulse.Change{At: time.Now(), Kind: kind, What: what})
}

// takeChanges gives the changes since the last call.
func (a *App) takeChanges() []pulse.Change {
	a.changesMu.Lock()
	defer a.changesMu.Unlock()
	all := a.changes
	a.changes = nil
	return all
}
