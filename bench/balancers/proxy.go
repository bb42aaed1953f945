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
)

// openProxy starts nginx or HAProxy in front of the servers and waits until it answers.
func openProxy(ctx context.Context, program, policy string, addresses []string, dir string) (system, error) {
	at, err := freeAddress()
	if err != nil {
		return system{}, err
	}
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
	e, err := ask(program, at, connections*len(addresses))
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
		text, _ := os.ReadFile(file + ".log")
		return system{}, fmt.Errorf("%s: %w; it said:\n%s", program, err, text)
	}
	return system{Invoker: e, stop: stop}, nil
}

// freeAddress is one at which nobody listens yet.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}

// manyConnections is more than a load of five seconds has under way.
const manyConnections = 8192

// nginx is its configuration: one worker, connections kept. With retries a server that
// failed is asked again after a second, not ten, and a request whose connection was
// closed goes to the next.
func nginx(policy, at string, addresses []string, dir string) string {
	policy, retries := strings.CutSuffix(policy, ", retries")
	method := map[string]string{"round robin": "", "least_conn": "least_conn;", "random two": "random two least_conn;"}[policy]
	next, server := "", ""
	if retries {
		next, server = " proxy_next_upstream error timeout non_idempotent;", " max_fails=1 fail_timeout=1s"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "daemon off; worker_processes 1; worker_rlimit_nofile %d; pid %s/nginx.pid; error_log stderr error;\n", 2*manyConnections+100, dir)
	fmt.Fprintf(&b, "events { worker_connections %d; }\nhttp {\n  access_log off;", 2*manyConnections)
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&b, " %s_temp_path %s/%s;", kind, dir, kind)
	}
	fmt.Fprintf(&b, "\n  keepalive_requests 1000000;\n  upstream m { zone m 256k; %s\n", method)
	for _, a := range addresses {
		fmt.Fprintf(&b, "    server %s%s;\n", a, server)
	}
	fmt.Fprintf(&b, "    keepalive 256; keepalive_requests 1000000; }\n  server { listen %s; location / { proxy_pass http://m; proxy_http_version 1.1; proxy_set_header Connection \"\";%s } }\n}\n", at, next)
	return b.String()
}

// haproxy is its configuration: one thread, connections kept. With checks a server that
// fails is out until its port answers, and a request goes to another.
func haproxy(policy, at string, addresses []string) string {
	policy, checks := strings.CutSuffix(policy, ", checks")
	server := ""
	var b strings.Builder
	fmt.Fprintf(&b, "global\n  nbthread 1\n  maxconn %d\ndefaults\n  mode http\n  http-reuse always\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n", manyConnections)
	if checks {
		server = " check inter 500ms fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down"
		b.WriteString("  option redispatch 1\n  retry-on conn-failure empty-response\n")
	}
	fmt.Fprintf(&b, "frontend f\n  bind %s\n  default_backend m\nbackend m\n  balance %s\n", at, policy)
	for i, a := range addresses {
		fmt.Fprintf(&b, "  server s%d %s%s\n", i, a, server)
	}
	return b.String()
}
