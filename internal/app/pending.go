package app

import (
	"betimes/internal/kafka"
	"betimes/internal/watch/latency"
	"betimes/internal/watch/trail"
	"context"
)

func (a *App) buildEmulator(context.Context) error                           { return nil }
func (a *App) buildModels(context.Context) error                             { return nil }
func (a *App) mountDashboard(*kafka.Cluster, *latency.Monitor, *trail.Trail) {}
