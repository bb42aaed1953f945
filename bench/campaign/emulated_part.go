package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// partVariable makes this program a part of a campaign instead.
const (
	partVariable = "BETIMES_CAMPAIGN_PART"
	partModel    = "model"
)

// serveModel is a container that an emulator starts: it answers with what it is
// asked, and has a child in a session of its own that never ends.
func serveModel() error {
	child := exec.Command("sleep", "3600")
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /invocations", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	server := &http.Server{Addr: "127.0.0.1:" + os.Getenv("SAGEMAKER_BIND_TO_PORT"), Handler: mux}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); ctx.Err() == nil {
		return err
	}
	return nil
}

// trainScript leaves a model, and a process that does not end.
const trainScript = `#!/bin/sh
setsid sleep 3600 &
sleep 0.3
cat "$SM_CHANNEL_TRAIN"/* > "$SM_MODEL_DIR/model"
echo trained
`
