package app

import (
	"context"

	"betimes/internal/admin"
)

// openAdmin opens the admin listener, once per process, so that parts can add
// their checks and pages to it.
func (a *App) openAdmin() error {
	server, err := admin.New(a.config.Admin, admin.Deps{Log: a.log, Gatherer: a.registry})
	if err != nil {
		return err
	}
	a.admin = server
	a.drains = append(a.drains, server.Drain)
	a.addresses.Dashboard = server.Addr()
	return nil
}

// check makes readiness depend on ready.
func (a *App) check(name string, ready func(context.Context) error) {
	if a.admin != nil {
		a.admin.AddCheck(name, ready)
	}
}

// buildAdmin serves the admin listener, first of all: it still answers while
// the others stop.
func (a *App) buildAdmin(context.Context) error {
	a.add("admin", a.admin)
	return nil
}
