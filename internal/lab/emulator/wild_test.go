package emulator_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"betimes/internal/lab/emulator"
)

// wild is a server that answers /ping as it should and anything else with the bytes that
// answer writes; it then closes the connection.
func wild(t *testing.T, answer func(w io.Writer)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				if req.URL.Path == "/ping" {
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
					return
				}
				_, _ = io.Copy(io.Discard, req.Body) // else the close is a reset
				answer(conn)
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func says(text string) func(io.Writer) {
	return func(w io.Writer) { _, _ = io.WriteString(w, text) }
}

// endless writes the same piece until nobody reads any more.
func endless(head, piece string) func(io.Writer) {
	return func(w io.Writer) {
		_, err := io.WriteString(w, head)
		for err == nil {
			_, err = io.WriteString(w, piece)
		}
	}
}

const huge = 2 << 30

// wildAnswers are what a broken or hostile server may say, and the words of the ModelError.
var wildAnswers = []struct {
	name   string
	answer func(io.Writer)
	says   string // empty: the call is answered well
}{
	{"what is no HTTP", says("\x00\xffnot HTTP at all\n"), "malformed HTTP"},
	{"nothing", says(""), "EOF"},
	{"half a status line", says("HTTP/1.1 20"), "malformed HTTP"},
	{"a status that is none", says("HTTP/1.1 abc OK\r\n\r\n"), "malformed HTTP status code"},
	{"a header without an end", says("HTTP/1.1 200 OK\r\nX: y"), "EOF"},
	{"headers without an end", endless("HTTP/1.1 200 OK\r\n", "X: "+strings.Repeat("x", 1000)+"\r\n"), "exceeded"},
	{"an early answer without an end", endless("", "HTTP/1.1 100 Continue\r\n\r\n"), "exceeded"},
	{"less than its length", says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"), "could not load the entire response body"},
	{"more than its length", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay"), ""},
	{"two lengths", says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"), "Content-Length"},
	{"a length that is none", says("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok"), "Content-Length"},
	{"a chunk that is none", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n"), "could not load the entire response body"},
	{"a body of 2 GB that it announces", endless(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", huge), strings.Repeat("x", 1<<16)), "more than 26214400 bytes"},
	{"a body of 2 GB in chunks", endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n"+strings.Repeat("x", 1<<16)+"\r\n"), "more than 26214400 bytes"},
	{"a way elsewhere", says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), `"OriginalStatusCode":302`},
	{"another protocol", says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"), `"ErrorCode"`},
}

func TestAServerThatAnswersAnythingIsAModelError(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	for i, c := range wildAnswers {
		t.Run(c.name, func(t *testing.T) {
			name := fmt.Sprintf("wild-%d", i)
			b.deploy(name, wild(t, c.answer), "", 1)
			resp, body := b.do("POST", "/endpoints/"+name+"/invocations", "x")
			if c.says == "" && resp.StatusCode == 200 {
				return
			}
			if resp.StatusCode != 424 || resp.Header.Get("X-Amzn-Errortype") != "ModelError" || !strings.Contains(body, c.says) || len(body) > 4096 {
				t.Errorf("answered %d %.1000s", resp.StatusCode, body)
			}
			b.control("DeleteEndpoint", m{"EndpointName": name})
		})
	}
}

func TestAStreamOfAServerThatAnswersAnythingEnds(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	b.deploy("half", wild(t, says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")), "", 1)
	got := b.frames("half", "x")
	if len(got) != 2 || string(got[0].Payload) != "half" || got[1].Header(":exception-type") != "ModelStreamError" || !strings.Contains(string(got[1].Payload), "StreamBroken") {
		t.Errorf("frames %v", got)
	}
}

func TestAnAsynchronousAnswerOfAnythingIsAFailureOrItsWords(t *testing.T) {
	const good = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n"
	for _, c := range []struct {
		name, answer, reason string // reason of failing; empty: it does not
		lenient              bool
	}{
		{"with a length", good + "Content-Length: 2\r\n\r\nok", "", false},
		{"in chunks", good + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ClientError: The response from container primary did not specify the required Content-Length header", false},
		{"until the connection closes", good + "\r\nok", "ClientError: The response from container primary did not specify the required Content-Length header", false},
		{"in chunks, where the file allows it", good + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "", true},
		{"in chunks, of an error", "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", "ClientError: Received server error (500) from model. ", false},
		{"with long headers", good + "X: " + strings.Repeat("x", 4096) + "\r\nContent-Length: 2\r\n\r\nok", "ClientError: Response received from the primary container has headers with length greater than 4096 bytes. ", false},
		{"of 2 GB", good + fmt.Sprintf("Content-Length: %d\r\n\r\n", huge) + "x", "ClientError: Received server error (0) from model. ", false},
		{"that is no HTTP", "\xff\x00", "ClientError: Received server error (0) from model. ", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := emulator.DefaultConfig()
			config.Profile, config.StrictAsyncContentLength = "instant", !c.lenient
			b := startWith(t, config, t.TempDir())
			url := b.async(wild(t, says(c.answer)), 1)
			output, failed := b.ask("x")
			got := b.ended(url)
			if c.reason == "" {
				if _, text := b.do("GET", output, ""); got["invocationStatus"] != "Completed" || text != "ok" {
					t.Errorf("notified %v, written %q", got, text)
				}
				return
			}
			if _, text := b.do("GET", failed, ""); got["invocationStatus"] != "Failed" || !strings.HasPrefix(got["failureReason"].(string), c.reason) || !strings.HasPrefix(text, c.reason) {
				t.Errorf("notified %v, written %q", got, text)
			}
		})
	}
}

func TestABinaryAnswerIsInItsNotificationAsBase64(t *testing.T) {
	answer := make(chan []byte, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			return
		}
		body := <-answer
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	b := start(t, "instant", t.TempDir())
	url := b.async(server.URL, 1)
	for name, c := range map[string]struct {
		body     []byte
		encoding string
	}{
		"text":                        {[]byte("0.5\nä\n"), "UTF8"},
		"bytes that are no text":      {[]byte{0, 0xff, 0xfe, 10}, "BASE64"},
		"as many as there may be":     {bytes.Repeat([]byte{0xff}, 128_000), "BASE64"},
		"text that JSON makes longer": {bytes.Repeat([]byte{1}, 128_000), "BASE64"},
		"more than there may be":      {bytes.Repeat([]byte{'x'}, 128_001), ""},
	} {
		answer <- c.body
		output, _ := b.ask("x")
		got := b.ended(url)
		said, _ := got["responseParameters"].(m)["body"].(m)
		text, _ := said["content"].(string)
		raw := []byte(text)
		if said["encoding"] == "BASE64" {
			raw, _ = base64.StdEncoding.DecodeString(text)
		}
		if c.encoding == "" {
			raw = c.body
		}
		if encoding, _ := said["encoding"].(string); encoding != c.encoding || !bytes.Equal(raw, c.body) {
			t.Errorf("%s: notified %.200v", name, got)
		}
		if _, written := b.do("GET", output, ""); written != string(c.body) {
			t.Errorf("%s: the object is %.50q", name, written)
		}
	}
}

// dying is a server in Python that dies when it is asked to, and that answers no /ping in its second life.
const dying = `#!/usr/bin/env python3
import os, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
again = os.path.exists(os.environ["NOTE"])
with open(os.environ["NOTE"], "a") as f: f.write("%d\n" % os.getpid())
class Model(BaseHTTPRequestHandler):
    def do_GET(self):
        if again: time.sleep(3600)
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def do_POST(self): os._exit(1)
    def log_message(self, *_): pass
ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Model).serve_forever()
`

func TestAnEndpointIsDeletedWhileItsInstanceStartsAgain(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	dir := t.TempDir()
	path, note := filepath.Join(dir, "serve.py"), filepath.Join(dir, "note")
	must(t, os.WriteFile(path, []byte(dying), 0o700))
	b.control("CreateModel", m{"ModelName": "own", "PrimaryContainer": m{"Image": "exec:" + path, "Environment": m{"NOTE": note}}})
	b.control("CreateEndpointConfig", m{"EndpointConfigName": "own", "ProductionVariants": []m{{"VariantName": "v", "ModelName": "own", "InitialInstanceCount": 1}}})
	b.control("CreateEndpoint", m{"EndpointName": "own", "EndpointConfigName": "own"})
	b.await("own", "InService")
	if resp, _ := b.do("POST", "/endpoints/own/invocations", "die"); resp.StatusCode != 424 {
		t.Fatalf("a container that dies is answered %d", resp.StatusCode)
	}
	lives := func() []string {
		text, err := os.ReadFile(note)
		must(t, err)
		return strings.Fields(string(text))
	}
	for len(lives()) < 2 { // it is being started again
		must(t, t.Context().Err())
	}
	b.control("DeleteEndpoint", m{"EndpointName": "own"})
	for b.control("DescribeEndpoint", m{"EndpointName": "own"})["__type"] == nil {
		must(t, t.Context().Err())
	}
	for _, pid := range lives() {
		for alive(pid) { // SIGTERM has been sent
			must(t, t.Context().Err())
		}
	}
	for left := []string{""}; len(left) > 0; { // its files go after it
		must(t, t.Context().Err())
		left, _ = filepath.Glob(filepath.Join(b.dir, "instances", "own", "*", "ml"))
	}
	if n := len(lives()); n != 2 {
		t.Errorf("started %d times", n)
	}
	b.config("own2", "builtin:echo", "", 1)
	b.control("CreateEndpoint", m{"EndpointName": "own", "EndpointConfigName": "own2"}) // the name is free
	b.await("own", "InService")
	if resp, _ := b.do("POST", "/endpoints/own/invocations", "x"); resp.StatusCode != 200 {
		t.Errorf("the next of that name answered %d", resp.StatusCode)
	}
}

// alive says whether a process runs; one that has ended and waits for its parent does not.
func alive(pid string) bool {
	state, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !bytes.Contains(state, []byte(") Z "))
}
