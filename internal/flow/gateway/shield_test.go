package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"betimes/internal/listen"
	"betimes/internal/setting"
)

func TestAWebPageElsewhereCannotUseTheGatewayOfThisMachine(t *testing.T) {
	open, external, tokens := testConfig(), testConfig(), testConfig()
	external.Auth = "external"
	tokens.Tokens = []listen.TokenConfig{{Name: "shop", Token: setting.NewSecret("right")}}
	for name, c := range map[string]struct {
		config  Config
		host    string
		headers []string
		status  int
	}{
		"a caller on this machine may":                            {open, "", nil, 202},
		"a page of another site may not":                          {open, "", []string{"Sec-Fetch-Site: cross-site"}, 403},
		"a page in an old browser may not":                        {open, "", []string{"Origin: https://evil.example"}, 403},
		"a foreign name that points here may not":                 {open, "evil.example:8080", nil, 421},
		"localhost is this machine":                               {open, "localhost:8080", nil, 202},
		"the proxy in front decides":                              {external, "shop.example", []string{"Sec-Fetch-Site: cross-site"}, 202},
		"a token that a page cannot know lets in under any name":  {tokens, "shop.example", []string{"Authorization: Bearer right"}, 202},
		"without it a page of another site is nobody, as all are": {tokens, "", []string{"Sec-Fetch-Site: cross-site"}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := serve(t, c.config, Deps{Next: &broker{}})
			r, err := http.NewRequest(http.MethodPost, "http://"+addr+"/v1/events", strings.NewReader(payment))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			for _, h := range c.headers {
				name, value, _ := strings.Cut(h, ": ")
				r.Header.Set(name, value)
			}
			resp, err := http.DefaultClient.Do(r) // without a Content-Type, as a page may send without being asked
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != c.status {
				t.Errorf("%d %s, want %d", resp.StatusCode, body, c.status)
			}
		})
	}
}

func TestWhyTheGatewayIsNotReadyIsForThoseLetIn(t *testing.T) {
	open, external, tokens := testConfig(), testConfig(), testConfig()
	external.Auth = "external"
	tokens.Tokens = []listen.TokenConfig{{Name: "shop", Token: setting.NewSecret("right")}}
	for name, c := range map[string]struct {
		config Config
		token  string
		told   bool
	}{
		"on this machine everyone is told":                   {open, "", true},
		"with tokens nobody without one":                     {tokens, "", false},
		"with tokens whoever shows one":                      {tokens, "right", true},
		"behind a proxy nobody: it lets all through to here": {external, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, c.config, Deps{Next: &broker{}, Ready: func() error { return errors.New("dial 10.0.0.7:9092") }})
			r := httptest.NewRequest(http.MethodGet, "/readyz", nil)
			r.Header.Set("Authorization", "Bearer "+c.token)
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if told := strings.Contains(w.Body.String(), "10.0.0.7"); w.Code != 503 || told != c.told {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
