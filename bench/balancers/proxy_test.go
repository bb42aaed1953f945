package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The settings of the proxies, as they were laid down before anything was measured:
// their policies, one worker for the one core that they have, connections kept.
func TestTheProxiesSettingsAreThoseLaidDown(t *testing.T) {
	spaces := regexp.MustCompile(`\s+`)
	servers := []string{"127.0.0.1:1", "127.0.0.1:2"}
	for name, want := range map[string][]string{
		"nginx round robin":         {"worker_processes 1;", "upstream m { zone m 256k; server 127.0.0.1:1; server 127.0.0.1:2; keepalive 256;", `proxy_http_version 1.1; proxy_set_header Connection "";`},
		"nginx least_conn":          {"zone m 256k; least_conn; server 127.0.0.1:1;"},
		"nginx random two":          {"zone m 256k; random two least_conn; server 127.0.0.1:1;"},
		"nginx least_conn, retries": {"least_conn; server 127.0.0.1:1 max_fails=1 fail_timeout=1s;", "proxy_next_upstream error timeout non_idempotent;"},
		"haproxy leastconn":         {"nbthread 1", "http-reuse always", "balance leastconn server s0 127.0.0.1:1 server s1 127.0.0.1:2 "},
		"haproxy random(2)":         {"balance random(2) server s0"},
		"haproxy leastconn, checks": {"option redispatch 1 retry-on conn-failure empty-response", "server s0 127.0.0.1:1 check inter 500ms fall 1 rise 1 observe layer4 error-limit 1 on-error mark-down"},
	} {
		program, policy, _ := strings.Cut(name, " ")
		text := haproxy(policy, "127.0.0.1:9", servers)
		if program == "nginx" {
			text = nginx(policy, "127.0.0.1:9", servers, "/d")
		}
		t.Logf("%s:\n%s", name, text)
		for _, one := range want {
			if !strings.Contains(spaces.ReplaceAllString(text, " "), one) {
				t.Errorf("%s: no %q", name, one)
			}
		}
	}
}

func TestEveryProxyOfAScenarioIsAskedByAPolicyThatItHas(t *testing.T) {
	known := map[string]bool{
		"round robin": true, "least_conn": true, "random two": true, "least_conn, retries": true,
		"leastconn": true, "random(2)": true, "leastconn, checks": true,
	}
	for _, s := range scenarios() {
		for _, name := range s.systems {
			if _, policy, proxy := strings.Cut(name, " "); proxy && !strings.HasPrefix(name, betimes) && !known[policy] {
				t.Errorf("%s: %s", s.name, name)
			}
		}
	}
}

// Where a proxy is installed it reads its own configuration and finds no fault.
func TestInstalledProxiesTakeTheirConfigurations(t *testing.T) {
	for _, name := range append(proxies(), "nginx least_conn, retries", "haproxy leastconn, checks") {
		if !installed(name) {
			t.Logf("%s is not installed", name)
			continue
		}
		dir := t.TempDir()
		program, policy, _ := strings.Cut(name, " ")
		file := filepath.Join(dir, program+".conf")
		text, line := haproxy(policy, "127.0.0.1:9", []string{"127.0.0.1:1"}), []string{"haproxy", "-c", "-f", file}
		if program == "nginx" {
			text, line = nginx(policy, "127.0.0.1:9", []string{"127.0.0.1:1"}, dir), []string{"nginx", "-t", "-e", "stderr", "-p", dir, "-c", file}
		}
		write(t, file, text)
		if said, err := exec.Command(line[0], line[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
}
