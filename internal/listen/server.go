package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Open listens on addr. The error names the setting to change.
func Open(addr, setting string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is in use by another process; stop it, or set another address or port 0 for a free one", setting, addr)
	}
	return nil, fmt.Errorf("%s: cannot listen on %s: %w", setting, addr, err)
}

// IsLoopback says whether addr (HOST:PORT) is reachable from this machine only.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	return namesLoopback(host)
}

func namesLoopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// NamesLoopback says whether a request's Host is a name of this machine only. A
// web page elsewhere could else point its own name at 127.0.0.1 and talk as a
// caller of this machine.
func NamesLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return namesLoopback(name)
}

// Server serves one listener until its context ends, then lets running
// requests finish within Grace.
type Server struct {
	Listener net.Listener
	Handler  http.Handler
	TLS      *TLSConfig    // nil: plain
	Grace    time.Duration // for running requests at the end; 0: 5 s
	Write    time.Duration // longest time from request to the end of the answer; 0: no limit, for streams
	Body     time.Duration // longest time to read a request; 0: 30 s
	Log      *slog.Logger
}

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Run serves until ctx ends and drains.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       orDefault(s.Body, 30*time.Second),
		WriteTimeout:      s.Write,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
	}
	if s.Log != nil {
		srv.ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
	}
	l := s.Listener
	if s.TLS != nil {
		config, err := s.TLS.server()
		if err != nil {
			return err
		}
		srv.TLSConfig = config
		l = tls.NewListener(l, config)
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), orDefault(s.Grace, 5*time.Second))
	defer cancel()
	if err := srv.Shutdown(grace); err != nil {
		_ = srv.Close() // what is still open is cut off
	}
	<-failed
	return nil
}

func orDefault(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}
