package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/setting"
)

// giver is an address that gives tokens. It counts how often it is asked.
type giver struct {
	*httptest.Server
	asked int
	reply func(w http.ResponseWriter, n int)
}

// newGiver answers with reply; nil: a token with its number that holds for a minute.
func newGiver(t *testing.T, reply func(w http.ResponseWriter, n int)) *giver {
	t.Helper()
	g := &giver{reply: reply}
	if reply == nil {
		g.reply = func(w http.ResponseWriter, n int) {
			fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":60}`, n)
		}
	}
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.asked++
		id, secret, ok := r.BasicAuth()
		if !ok || r.Method != http.MethodPost || id != "me%3Aand" || secret != "s%26cret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "a b" {
			t.Errorf("asked %s as %q by %q for %v", r.Method, id, secret, r.Form)
		}
		g.reply(w, g.asked)
	}))
	t.Cleanup(g.Close)
	return g
}

// source is a token source of g at a time that the test moves.
func source(t *testing.T, url string, at *time.Time) *tokens {
	t.Helper()
	s, err := newTokens(&OAuthConfig{TokenURL: url, ClientID: "me:and", ClientSecret: setting.NewSecret("s&cret"), Scope: "a b"})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return *at }
	return s
}

func TestATokenServesMostOfItsLife(t *testing.T) {
	g := newGiver(t, nil)
	now := time.Unix(1_700_000_000, 0)
	s := source(t, g.URL, &now)
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "t1"}, {47 * time.Second, "t1"}, {2 * time.Second, "t2"}, {time.Hour, "t3"}} {
		now = now.Add(step.after)
		if got, err := s.get(t.Context()); got != step.want || err != nil {
			t.Errorf("%s later it is %q, %v; want %q", step.after, got, err, step.want)
		}
	}
	s.forget()
	if got, err := s.get(t.Context()); got != "t4" || err != nil {
		t.Errorf("after a refusal it is %q, %v; want t4", got, err)
	}
}

func TestAnOldTokenServesToItsEndWhenThereIsNoNewOne(t *testing.T) {
	g := newGiver(t, func(w http.ResponseWriter, n int) {
		if n > 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"access_token":"t1","expires_in":"60"}`)
	})
	now := time.Unix(1_700_000_000, 0)
	s := source(t, g.URL, &now)
	if _, err := s.get(t.Context()); err != nil {
		t.Fatal(err)
	}
	now = now.Add(56 * time.Second)
	if got, err := s.get(t.Context()); got != "t1" || err != nil {
		t.Errorf("it is %q, %v; want the old one", got, err)
	}
	now = now.Add(2 * time.Second)
	_, err := s.get(t.Context())
	var refused *LoginError
	if !errors.As(err, &refused) || !refused.Temporary() || !strings.Contains(err.Error(), "503") {
		t.Errorf("at its end the error is %v; want one that may pass and says 503", err)
	}
}

func TestATokenOfUnknownLifeServesOnce(t *testing.T) {
	g := newGiver(t, func(w http.ResponseWriter, n int) { fmt.Fprintf(w, `{"access_token":"t%d"}`, n) })
	now := time.Unix(1_700_000_000, 0)
	s := source(t, g.URL, &now)
	for _, want := range []string{"t1", "t2"} {
		if got, err := s.get(t.Context()); got != want || err != nil {
			t.Errorf("it is %q, %v; want %q", got, err, want)
		}
	}
}

func TestWhoGivesNoTokenIsNamedAndNoSecretIsTold(t *testing.T) {
	elsewhere := newGiver(t, func(http.ResponseWriter, int) { t.Error("a redirect was followed") })
	for name, tt := range map[string]struct {
		reply   func(w http.ResponseWriter)
		want    []string
		passing bool
	}{
		"a wrong secret": {func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"s&cret is not the secret"}`)
		}, []string{"401", `"invalid_client"`, "[secret]", "check client_id"}, false},
		"a redirect": {func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusFound)
		}, []string{"302", "redirects are not followed"}, false},
		"too many questions": {func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) }, []string{"429"}, true},
		"a page":             {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<html>s&cret</html>") }, []string{"not JSON"}, false},
		"no token":           {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{}`) }, []string{"no access_token"}, false},
		"a token that ends":  {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"access_token":"a\u0001b"}`) }, []string{"no access_token"}, false},
		"another kind":       {func(w http.ResponseWriter) { _, _ = io.WriteString(w, `{"access_token":"a","token_type":"mac"}`) }, []string{`"mac"`}, false},
		"an endless answer":  {func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 1<<20)) }, []string{"longer than 65536"}, false},
		"half an answer":     {func(w http.ResponseWriter) { w.Header().Set("Content-Length", "9"); _, _ = io.WriteString(w, "{") }, []string{"no whole answer"}, true},
		"nobody":             {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, []string{"no answer"}, true},
		"an error in a letter": {func(w http.ResponseWriter) {
			w.WriteHeader(400)
			fmt.Fprintf(w, `{"error":%q}`, strings.Repeat("x", 9999))
		}, []string{"400"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGiver(t, func(w http.ResponseWriter, _ int) { tt.reply(w) })
			now := time.Now()
			_, err := source(t, g.URL, &now).get(t.Context())
			var refused *LoginError
			if !errors.As(err, &refused) {
				t.Fatalf("the error is %v", err)
			}
			for _, want := range append(tt.want, "kafka.sasl.oauth.token_url: no token from "+g.URL) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
			if strings.Contains(err.Error(), "s&cret") || len(err.Error()) > 500 {
				t.Errorf("the error tells too much: %q", err)
			}
			if refused.Temporary() != tt.passing {
				t.Errorf("it may pass: %t, want %t", refused.Temporary(), tt.passing)
			}
		})
	}
}

func TestTokensAreAskedForWhereTheyMayBe(t *testing.T) {
	for name, tt := range map[string]struct {
		encrypted bool
		address   string
		ok        bool
	}{
		"this machine":               {false, "127.0.0.1:80", true},
		"this machine, in six":       {false, "[::1]:80", true},
		"this machine, encrypted":    {true, "127.0.0.1:443", true},
		"another one, readable":      {false, "192.0.2.1:80", false},
		"another one, encrypted":     {true, "192.0.2.1:443", true},
		"a private one, encrypted":   {true, "10.1.2.3:443", true},
		"what clouds tell guests":    {true, "169.254.169.254:443", false},
		"the same, written longer":   {true, "[::ffff:169.254.169.254]:443", false},
		"a neighbour's own address":  {true, "[fe80::1]:443", false},
		"not an address":             {true, "elsewhere", false},
		"loopback, written as six":   {false, "[::ffff:127.0.0.1]:80", true},
		"a private one, in the open": {false, "10.1.2.3:80", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := guard(tt.encrypted)("tcp", tt.address, nil); (err == nil) != tt.ok {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestATokenFromAFileIsReadAtEachLogin(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one\n")
	login, err := newBearer(&OAuthConfig{Token: setting.NewSecret("file:" + file), Extensions: map[string]string{"pool": "p1"}})
	if err != nil {
		t.Fatal(err)
	}
	put("two\n")
	_, first, err := login.Authenticate(context.Background(), "broker:9092")
	if want := "n,,\x01auth=Bearer two\x01pool=p1\x01\x01"; string(first) != want || err != nil {
		t.Errorf("it begins %q, %v; want %q", first, err, want)
	}
	put("two\x01auth=Bearer three")
	if _, _, err := login.Authenticate(context.Background(), "broker:9092"); err == nil || strings.Contains(err.Error(), "two") {
		t.Errorf("a token that holds more than a token: %v", err)
	}
}

// FuzzTokenAnswer feeds what an address that gives tokens may answer.
func FuzzTokenAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"abc","token_type":"Bearer","expires_in":3600}`, `{"access_token":"abc","expires_in":"1e300"}`,
		`{"access_token":"a\u0000","expires_in":-1}`, `[]`, `{"expires_in":{}}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		s := &tokens{cfg: &OAuthConfig{TokenURL: "https://login.example.com"}}
		token, life, err := s.read(body)
		if err == nil && !sendable(token) || err != nil && token != "" {
			t.Errorf("%q with error %v", token, err)
		}
		if life < 0 || life > tokenMaxLife {
			t.Errorf("it holds for %s", life)
		}
	})
}

func TestASectionSASLIsChecked(t *testing.T) {
	secret := setting.NewSecret("x")
	for name, tt := range map[string]struct {
		sasl SASLConfig
		want string // empty: nothing is wrong
	}{
		"plain":                        {SASLConfig{Mechanism: MechanismPlain, Username: "u", Password: secret}, ""},
		"plain without a user":         {SASLConfig{Mechanism: MechanismPlain, Password: secret}, "sasl.username"},
		"scram without a password":     {SASLConfig{Mechanism: MechanismScram512, Username: "u"}, "sasl.password"},
		"scram with tokens":            {SASLConfig{Mechanism: MechanismScram512, Username: "u", Password: secret, OAuth: &OAuthConfig{Token: secret}}, "sasl.oauth"},
		"msk":                          {SASLConfig{Mechanism: MechanismMSK}, ""},
		"msk with a user":              {SASLConfig{Mechanism: MechanismMSK, Username: "u"}, "sasl.username"},
		"a token":                      {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{Token: secret}}, ""},
		"no tokens":                    {SASLConfig{Mechanism: MechanismOAuth}, "sasl.oauth"},
		"nothing of tokens":            {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{}}, "sasl.oauth.token"},
		"an address":                   {address("https://login.example.com/token"), ""},
		"an address on this machine":   {address("http://127.0.0.1:8080/token"), ""},
		"an address that is readable":  {address("http://login.example.com/token"), "sasl.oauth.token_url"},
		"an address of a file":         {address("file:///etc/passwd"), "sasl.oauth.token_url"},
		"an address with a password":   {address("https://me:it@login.example.com"), "sasl.oauth.token_url"},
		"half an address":              {address("login.example.com"), "sasl.oauth.token_url"},
		"an address beside a token":    {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{Token: secret, TokenURL: "https://a"}}, "sasl.oauth.token"},
		"an address without a client":  {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{TokenURL: "https://a", ClientSecret: secret}}, "sasl.oauth.client_id"},
		"an address without a secret":  {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{TokenURL: "https://a", ClientID: "u"}}, "sasl.oauth.client_secret"},
		"a client without an address":  {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{Token: secret, ClientID: "u"}}, "sasl.oauth.token"},
		"an extension in disguise":     {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{Token: secret, Extensions: map[string]string{"auth": "Bearer x"}}}, "sasl.oauth.extensions"},
		"an extension with a line end": {SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{Token: secret, Extensions: map[string]string{"a": "x\x01auth"}}}, "sasl.oauth.extensions"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			cfg.Seeds, cfg.SASL = []string{"127.0.0.1:9092"}, &tt.sasl
			var paths []string
			for _, p := range cfg.Validate() {
				paths = append(paths, p.Path)
			}
			if got := strings.Join(paths, " "); got != tt.want {
				t.Errorf("it finds %q, want %q", got, tt.want)
			}
			cfg.Seeds = []string{"192.0.2.1:9092"}
			open := tt.sasl.Mechanism != MechanismScram512
			if tt.want == "" && len(cfg.Validate()) == 0 == open {
				t.Errorf("beyond this machine without tls it finds %v", cfg.Validate())
			}
		})
	}
}

func address(url string) SASLConfig {
	return SASLConfig{Mechanism: MechanismOAuth, OAuth: &OAuthConfig{TokenURL: url, ClientID: "u", ClientSecret: setting.NewSecret("x")}}
}
