package app

import (
	"context"

	"betimes/internal/lab/emulator"
	"betimes/internal/listen"
)

// buildEmulator makes the SageMaker of this machine, where the file has one.
func (a *App) buildEmulator(context.Context) error {
	c := a.config.Lab.Emulator
	if c == nil {
		return nil
	}
	if a.options.Emulator != "" {
		a.emulated = "http://" + a.options.Emulator
		return nil
	}
	dir, err := a.folder.sub("emulator")
	if err != nil {
		return err
	}
	listener, err := listen.Open(c.Listen, "lab.emulator.listen")
	if err != nil {
		return err
	}
	e, err := emulator.New(*c, emulator.Deps{Log: a.log, Dir: dir, Listener: listener, Metrics: a.metrics})
	if err != nil {
		listener.Close()
		return err
	}
	a.close(func() { listener.Close() })
	a.emulated = e.URL()
	a.addresses.AWS = e.Addr()
	a.add("emulator", e)
	return nil
}
