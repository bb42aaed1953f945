package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/model"
	"betimes/internal/rest"
)

// system is what is asked, and how it is ended.
type system struct {
	model.Invoker
	stop func()
}

// open makes a system before the servers at these addresses.
func open(ctx context.Context, name string, addresses []string, dir string) (system, error) {
	if program, policy, proxy := strings.Cut(name, " "); proxy && !strings.HasPrefix(name, betimes) {
		return openProxy(ctx, program, policy, addresses, dir)
	}
	c := balance.DefaultConfig()
	if name == hedging {
		h := balance.DefaultHedge()
		c.Hedge = &h
	}
	var routes []balance.Route
	var doors []*rest.Endpoint
	for i, address := range addresses {
		target := balance.Target{Model: "m", Endpoint: fmt.Sprint("s", i), Door: "rest", Limit: connections}
		e, err := ask(target.Endpoint, address)
		if err != nil {
			return system{}, err
		}
		doors = append(doors, e)
		routes = append(routes, balance.Route{Target: target, Door: e})
	}
	return system{balance.Among(c, routes, balance.Deps{}), func() {
		for _, e := range doors {
			e.Close()
		}
	}}, nil
}

const connections = 256

// ask is the HTTP client with which everything is asked.
func ask(name, address string) (*rest.Endpoint, error) {
	c := rest.DefaultConfig()
	c.URL, c.Connections, c.Timeout = "http://"+address+"/invocations", connections, 10*time.Second
	return rest.New(c, rest.Deps{Name: name})
}

func openProxy(ctx context.Context, program, policy string, addresses []string, dir string) (system, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return system{}, err
	}
	at := ln.Addr().String()
	ln.Close()
	file := filepath.Join(dir, program+".conf")
	line, text := []string{"nginx", "-e", "stderr", "-p", dir, "-c", file}, nginx(policy, at, addresses, dir)
	if program == "haproxy" {
		line, text = []string{"haproxy", "-f", file}, haproxy(policy, at, addresses)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return system{}, err
	}
	cmd := exec.Command(line[0], line[1:]...)
	said, err := os.Create(file + ".log")
	if err != nil {
		return system{}, err
	}
	defer said.Close()
	cmd.Stderr, cmd.Stdout = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := cmd.Start(); err != nil {
		return system{}, err
	}
	e, err := ask(program, at)
	if err != nil {
		return system{}, err
	}
	stop := func() {
		e.Close()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for err = e.Reach(ctx); err != nil && ctx.Err() == nil; err = e.Reach(ctx) {
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		stop()
		return system{}, fmt.Errorf("%s: %w", program, err)
	}
	return system{e, stop}, nil
}

// nginx is its configuration: one worker, connections kept.
func nginx(policy, at string, addresses []string, dir string) string {
	method := map[string]string{"round robin": "", "least_conn": "least_conn;", "random two": "random two least_conn;"}[policy]
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off; worker_processes 1; pid %s/nginx.pid; error_log stderr error;\nevents { worker_connections 2048; }\nhttp {\n  access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f; uwsgi_temp_path %s/u; scgi_temp_path %s/s;\n  keepalive_requests 1000000;\n  upstream m { zone m 256k; %s\n", dir, dir, dir, dir, dir, dir, method)
	for _, a := range addresses {
		fmt.Fprintf(&b, "    server %s;\n", a)
	}
	fmt.Fprintf(&b, "    keepalive 256; keepalive_requests 1000000; }\n  server { listen %s; location / { proxy_pass http://m; proxy_http_version 1.1; proxy_set_header Connection \"\"; } }\n}\n", at)
	return b.String()
}

// haproxy is its configuration: one thread, connections kept.
func haproxy(policy, at string, addresses []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global\n  nbthread 1\n  maxconn 4000\ndefaults\n  mode http\n  http-reuse always\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\nfrontend f\n  bind %s\n  default_backend m\nbackend m\n  balance %s\n", at, policy)
	for i, a := range addresses {
		fmt.Fprintf(&b, "  server s%d %s\n", i, a)
	}
	return b.String()
}
