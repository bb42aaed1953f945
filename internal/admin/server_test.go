package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"betimes/internal/listen"
	"betimes/internal/setting"

	"github.com/prometheus/client_golang/prometheus"
)

// serve runs a Server on a free port until the test ends.
func serve(t *testing.T, c Config, prepare func(*Server)) *Server {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	s, err := New(c, Deps{Gatherer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if prepare != nil {
		prepare(s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

type ask struct {
	method, path, token, host, site string
}

func (a ask) do(t *testing.T, s *Server) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(a.method, "http://"+s.Addr()+a.path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.token != "" {
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	if a.site != "" {
		r.Header.Set("Sec-Fetch-Site", a.site)
	}
	if a.host != "" {
		r.Host = a.host
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

func TestWhoGetsWhat(t *testing.T) {
	tokens := Config{
		MetricsToken: setting.NewSecret("scrape"),
		Tokens: []listen.TokenConfig{
			{Name: "eve", Role: listen.RoleRead, Token: setting.NewSecret("reader")},
			{Name: "ann", Role: listen.RoleAdmin, Token: setting.NewSecret("admin")},
		},
	}
	ok := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, listen.CallerOf(r.Context()).Name)
	})
	mount := func(s *Server) {
		s.Mount("GET /api/v1/lag", listen.RoleRead, ok)
		s.Mount("POST /api/v1/pause", listen.RoleAdmin, ok)
	}
	open, guarded := serve(t, Config{}, mount), serve(t, tokens, mount)
	for name, c := range map[string]struct {
		server *Server
		ask    ask
		status int
		body   string
	}{
		"health needs no token":                            {guarded, ask{method: "GET", path: "/healthz"}, 200, "true"},
		"metrics need their token when one is set":         {guarded, ask{method: "GET", path: "/metrics"}, 401, "unauthorized"},
		"metrics answer to their token":                    {guarded, ask{method: "GET", path: "/metrics", token: "scrape"}, 200, ""},
		"metrics are open by default":                      {open, ask{method: "GET", path: "/metrics"}, 200, ""},
		"reading without a token is refused":               {guarded, ask{method: "GET", path: "/api/v1/lag"}, 401, "Authorization"},
		"a reader reads":                                   {guarded, ask{method: "GET", path: "/api/v1/lag", token: "reader"}, 200, "eve"},
		"a reader changes nothing":                         {guarded, ask{method: "POST", path: "/api/v1/pause", token: "reader"}, 403, "admin"},
		"an admin changes":                                 {guarded, ask{method: "POST", path: "/api/v1/pause", token: "admin"}, 200, "ann"},
		"a reader sees no profiles":                        {guarded, ask{method: "GET", path: "/debug/pprof/cmdline", token: "reader"}, 403, ""},
		"without tokens the local caller is admin":         {open, ask{method: "POST", path: "/api/v1/pause"}, 200, "local"},
		"a page of another site changes nothing":           {open, ask{method: "POST", path: "/api/v1/pause", site: "cross-site"}, 403, ""},
		"a foreign name that points here is refused":       {open, ask{method: "GET", path: "/api/v1/lag", host: "evil.example:80"}, 421, "foreign_host"},
		"localhost is this machine":                        {open, ask{method: "GET", path: "/api/v1/lag", host: "localhost:80"}, 200, "local"},
		"an unknown path is a problem":                     {open, ask{method: "GET", path: "/nothing"}, 404, "not_found"},
		"a wrong method is a problem that names the right": {open, ask{method: "PUT", path: "/api/v1/lag"}, 405, "GET, HEAD"},
	} {
		t.Run(name, func(t *testing.T) {
			status, header, body := c.ask.do(t, c.server)
			if status != c.status || !strings.Contains(body, c.body) {
				t.Errorf("%d %s, want %d with %q", status, body, c.status, c.body)
			}
			if !strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Error("no content policy")
			}
		})
	}
}

func TestReadyNamesWhatIsMissing(t *testing.T) {
	var broken atomic.Bool
	s := serve(t, Config{}, func(s *Server) {
		s.AddCheck("broker", func(context.Context) error {
			if broken.Load() {
				return errors.New("no controller")
			}
			return nil
		})
		s.AddCheck("endpoint", func(context.Context) error { return nil })
	})
	if status, _, body := (ask{method: "GET", path: "/readyz"}).do(t, s); status != 200 {
		t.Errorf("%d %s, want 200", status, body)
	}
	broken.Store(true)
	if status, _, body := (ask{method: "GET", path: "/readyz"}).do(t, s); status != 503 || !strings.Contains(body, `"broker":"no controller"`) {
		t.Errorf("%d %s, want 503 that names the broker", status, body)
	}
	broken.Store(false)
	s.Drain()
	if status, _, body := (ask{method: "GET", path: "/readyz"}).do(t, s); status != 503 || !strings.Contains(body, "shutting down") {
		t.Errorf("%d %s, want 503 while draining", status, body)
	}
}

func TestReasonsAreForCallersWithATokenWhereThereAreTokens(t *testing.T) {
	c := Config{Tokens: []listen.TokenConfig{{Name: "eve", Role: listen.RoleRead, Token: setting.NewSecret("reader")}}}
	s := serve(t, c, func(s *Server) {
		s.AddCheck("broker", func(context.Context) error { return errors.New("dial 10.0.0.7:9092") })
	})
	if status, _, body := (ask{method: "GET", path: "/readyz"}).do(t, s); status != 503 || strings.Contains(body, "10.0.0.7") || !strings.Contains(body, `"broker"`) {
		t.Errorf("without a token: %d %s", status, body)
	}
	if status, _, body := (ask{method: "GET", path: "/readyz", token: "reader"}).do(t, s); status != 503 || !strings.Contains(body, "10.0.0.7") {
		t.Errorf("with a token: %d %s", status, body)
	}
}

func TestAStreamDoesNotHoldUpTheStop(t *testing.T) {
	started := make(chan struct{})
	s, err := New(Config{Listen: "127.0.0.1:0"}, Deps{Gatherer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount("GET /stream", RoleOpen, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		resp, err := http.Get("http://" + s.Addr() + "/stream")
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	go func() {
		<-started
		cancel()
	}()
	if err := s.Run(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		want   string
	}{
		"the default is fine":             {DefaultConfig(), ""},
		"no port":                         {Config{Listen: "127.0.0.1"}, "listen"},
		"beyond loopback without a token": {Config{Listen: "0.0.0.0:8090"}, "tokens"},
		"an unknown role":                 {Config{Listen: "127.0.0.1:0", Tokens: []listen.TokenConfig{{Name: "a", Role: "root", Token: setting.NewSecret("x")}}}, "tokens[0].role"},
		"two tokens of one name":          {Config{Listen: "127.0.0.1:0", Tokens: []listen.TokenConfig{{Name: "a", Token: setting.NewSecret("x")}, {Name: "a", Token: setting.NewSecret("y")}}}, "tokens[1].name"},
		"a token whose file is not there": {Config{Listen: "127.0.0.1:0", Tokens: []listen.TokenConfig{{Name: "a", Token: setting.NewSecret("file:/nowhere/token")}}}, "tokens[0].token"},
		"a metrics token of no file":      {Config{Listen: "127.0.0.1:0", MetricsToken: setting.NewSecret("file:/nowhere/token")}, "metrics_token"},
		"tls whose files are not there":   {Config{Listen: "127.0.0.1:0", TLS: &listen.TLSConfig{Cert: "/nowhere/c", Key: "/nowhere/k"}}, "tls"},
		"tls without a key":               {Config{Listen: "127.0.0.1:0", TLS: &listen.TLSConfig{Cert: "c"}}, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			ps := c.config.Validate()
			if c.want == "" && len(ps) != 0 || c.want != "" && (len(ps) != 1 || ps[0].Path != c.want) {
				t.Errorf("problems %v, want one at %q", ps, c.want)
			}
		})
	}
}

func TestAnAnswerThatNobodyReadsIsCutOff(t *testing.T) {
	limit := make(chan bool, 1)
	s := serve(t, Config{}, func(s *Server) {
		s.Mount("GET /limit", RoleOpen, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
			limit <- server != nil && server.WriteTimeout > 0
		}))
	})
	(ask{method: "GET", path: "/limit"}).do(t, s)
	if !<-limit {
		t.Error("answers have no limit of time")
	}
}
