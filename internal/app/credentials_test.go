package app

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// gate is what stands before an emulator that checks signatures: it refuses access
// keys that have ended, as AWS does. Only it knows when they end.
type gate struct {
	ended   atomic.Pointer[string] // access key
	refused atomic.Int32
	passed  [2]atomic.Int32 // calls by key ONE, by key TWO
	next    *httputil.ReverseProxy
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	claim := r.Header.Get("Authorization")
	if key := g.ended.Load(); key != nil && strings.Contains(claim, "Credential="+*key+"/") {
		_, _ = io.Copy(io.Discard, r.Body)
		g.refused.Add(1)
		w.Header().Set("X-Amzn-ErrorType", "ExpiredTokenException")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"The security token included in the request is expired"}`)
		return
	}
	for i, key := range []string{"ONE", "TWO"} {
		if strings.Contains(claim, "Credential="+key+"/") {
			g.passed[i].Add(1)
		}
	}
	g.next.ServeHTTP(w, r)
}

// behindGate starts an emulator with a model m and gives the gate's URL.
func behindGate(t *testing.T) (*gate, string) {
	t.Helper()
	file := oneAtOnce("sagemaker: {}, serve: {image: builtin:echo}, content_type: text/csv", "[amount]")
	file = strings.Replace(file, "profile: instant", "profile: instant, auth: verify, keys: {betimes: betimes, ONE: first, TWO: second}", 1)
	_, at := startFile(t, file)
	emulator := &url.URL{Scheme: "http", Host: at.AWS}
	g := &gate{next: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(emulator)
		r.Out.Host = r.In.Host // which was signed
	}}}
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return g, s.URL
}

// handedOut writes a file whole: credentials are never read half.
func handedOut(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func TestCredentialsThatAreReplacedOrExpireUnderLoadCostNoEvent(t *testing.T) {
	for name, how := range map[string]func(t *testing.T, path string) (config string, put func(key, secret string, until time.Time)){
		"keys replaced in the shared file": func(t *testing.T, path string) (string, func(string, string, time.Time)) {
			return "", func(key, secret string, _ time.Time) {
				handedOut(t, path, fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", key, secret))
			}
		},
		"a process whose keys expire": func(t *testing.T, path string) (string, func(string, string, time.Time)) {
			return "[default]\ncredential_process = /bin/cat " + path + "\n", func(key, secret string, until time.Time) {
				handedOut(t, path, fmt.Sprintf(`{"Version":1,"AccessKeyId":%q,"SecretAccessKey":%q,"Expiration":%q}`, key, secret, until.UTC().Format(time.RFC3339Nano)))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			keys, settings := filepath.Join(dir, "keys"), filepath.Join(dir, "config")
			config, put := how(t, keys)
			handedOut(t, settings, config)
			t.Setenv("AWS_CONFIG_FILE", settings)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", keys)
			if config != "" {
				t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
			}
			t.Setenv("AWS_PROFILE", "default")
			t.Setenv("AWS_ACCESS_KEY_ID", "")
			g, gateURL := behindGate(t)
			put("ONE", "first", time.Now().Add(time.Minute))
			file := oneAtOnce(`sagemaker: {embedded: false, region: us-east-1, url: "`+gateURL+`"}, content_type: text/csv`, "[amount]")
			a, at := startFile(t, file)
			rotate(t, g, at, func() { put("TWO", "second", time.Now().Add(time.Hour)) })
			if n := countOf(t, a, "betimes_stream_events_total", "dead_letter"); n != 0 {
				t.Errorf("%v dead letters", n)
			}
			if g.passed[0].Load() == 0 || g.passed[1].Load() == 0 {
				t.Errorf("%d calls by the first key, %d by the second, %d refused", g.passed[0].Load(), g.passed[1].Load(), g.refused.Load())
			}
		})
	}
}

// rotate asks without a break while the first key is replaced and ended; every
// event must be predicted.
func rotate(t *testing.T, g *gate, at Addresses, replace func()) {
	t.Helper()
	var over atomic.Bool
	var load sync.WaitGroup
	for caller := range 4 {
		load.Go(func() {
			for i := 0; !over.Load(); i++ {
				code, text := post(t, at, fmt.Sprintf(`{"id":"%d-%d","amount":%d}`, caller, i, i))
				if code != http.StatusOK || !strings.Contains(text, fmt.Sprintf(`"prediction":%d`, i)) {
					t.Errorf("event %d of caller %d: %d %s", i, caller, code, text)
					return
				}
			}
		})
	}
	reached(t, "a call by the first key", func() bool { return g.passed[0].Load() > 20 })
	replace()
	first := "ONE"
	g.ended.Store(&first)
	reached(t, "calls by the second key", func() bool { return g.passed[1].Load() > 20 })
	over.Store(true)
	load.Wait()
}

func reached(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for until := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(until) {
			t.Fatalf("%s: never", what)
		}
	}
}
