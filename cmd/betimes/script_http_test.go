package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// list is a flag that may be repeated.
type list []string

func (l *list) String() string     { return strings.Join(*l, ",") }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

// asking is one http command.
type asking struct {
	headers            list
	body               string
	client             *http.Client
	method, url, want  string
	file, ca, untilRex string
}

func request(ts *testscript.TestScript, neg bool, args []string) {
	var a asking
	flags := flag.NewFlagSet("http", flag.ContinueOnError)
	flags.Var(&a.headers, "H", "header")
	flags.StringVar(&a.body, "d", "", "body")
	flags.StringVar(&a.file, "f", "", "file of the body")
	flags.StringVar(&a.ca, "ca", "", "authority of the server")
	flags.StringVar(&a.untilRex, "until", "", "ask again until the answer has this")
	if err := flags.Parse(args); err != nil || flags.NArg() != 3 || neg {
		ts.Fatalf("usage: http [flags] STATUS METHOD URL (%v)", err)
	}
	a.want, a.method, a.url = flags.Arg(0), flags.Arg(1), flags.Arg(2)
	if a.file != "" {
		a.body = ts.ReadFile(a.file)
	}
	a.client = &http.Client{Timeout: patience, Transport: a.transport(ts)}
	defer a.client.CloseIdleConnections()
	if a.untilRex == "" {
		status, answer := a.do(ts)
		if status != a.want {
			ts.Fatalf("%s %s: %s, want %s\n%s", a.method, a.url, status, a.want, answer)
		}
		_, _ = ts.Stdout().Write(answer)
		return
	}
	re := pattern(ts, a.untilRex)
	var answer []byte
	until(ts, a.method+" "+a.url+" answering "+a.untilRex, func() (bool, string) {
		var status string
		status, answer = a.do(ts)
		return status == a.want && re.Match(answer), status + " " + string(answer)
	})
	_, _ = ts.Stdout().Write(answer)
}

func (a *asking) transport(ts *testscript.TestScript) *http.Transport {
	t := &http.Transport{}
	if a.ca != "" {
		pem, err := os.ReadFile(ts.MkAbs(a.ca))
		ts.Check(err)
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		t.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return t
}

// do asks once. The answer begins with its headers, sorted.
func (a *asking) do(ts *testscript.TestScript) (string, []byte) {
	req, err := http.NewRequest(a.method, a.url, strings.NewReader(a.body))
	ts.Check(err)
	if a.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range a.headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Set(name, strings.TrimSpace(value))
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return "none", []byte(err.Error())
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	var names []string
	for name := range resp.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&out, "%s: %s\n", name, resp.Header.Get(name))
	}
	out.WriteByte('\n')
	if _, err = io.Copy(&out, resp.Body); err != nil {
		fmt.Fprintf(&out, "\n%v", err)
	}
	out.WriteByte('\n')
	of(ts).saw(out.Bytes())
	return fmt.Sprint(resp.StatusCode), out.Bytes()
}

// stub is a model server of this process. What it answers depends on the
// request: garbage, a refusal that repeats the request, or a score; after a
// request to /heal always a score, until one to /infect.
func stub(ts *testscript.TestScript, _ bool, args []string) {
	handler := http.Handler(http.HandlerFunc(new(patient).answer))
	switch {
	case len(args) > 0 && args[0] == "-silent":
		handler, args = http.HandlerFunc(silent), args[1:]
	case len(args) > 0 && args[0] == "-adder":
		handler, args = adder(), args[1:]
	}
	if len(args) == 0 {
		ts.Fatalf("usage: stub [-silent|-adder] NAME [HOST:PORT]")
	}
	addr := "127.0.0.1:0"
	if len(args) > 1 {
		addr = args[1]
	}
	l := open(ts, addr)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { _ = server.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// silent never answers.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// patient is a model that is ill until it is healed.
type patient struct{ healed atomic.Bool }

func (p *patient) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	ill := !p.healed.Load()
	switch {
	case err != nil:
		return
	case r.URL.Path == "/heal" || r.URL.Path == "/infect":
		p.healed.Store(r.URL.Path == "/heal")
	case ill && bytes.Contains(body, []byte("garbage")):
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>it works!</html>")
	case ill && bytes.Contains(body, []byte("refuse")):
		http.Error(w, "cannot use "+string(body), http.StatusBadRequest)
	default:
		w.Header().Set("Content-Type", "application/json")
		if !bytes.HasPrefix(body, []byte("{")) {
			body, _ = json.Marshal(string(body)) // a string always marshals
		}
		_, _ = fmt.Fprintf(w, `{"score":0.25,"path":%q,"request":%s}`, r.URL.Path, body)
	}
}
