package kafka

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Bounds of what an address that gives tokens may do.
const (
	tokenTimeout  = 10 * time.Second
	tokenMaxBytes = 64 << 10 // of an answer
	tokenMaxLife  = 24 * time.Hour
	tokenFresh    = 0.8 // of its life a token is used without asking for the next one
	// tokenSpare is the end of a token's life in which nobody logs in with it: the
	// library renews a login a second before its end, and brokers take a second
	// renewal within a second for a mistake.
	tokenSpare = 3 * time.Second
)

// tokens asks token_url, and keeps a token for most of its life.
type tokens struct {
	cfg    *OAuthConfig
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex // also held while asking: one question serves all connections
	token string
	fresh time.Time // until then it is used
	ends  time.Time // until then it may be used when there is no other
}

func newTokens(c *OAuthConfig) (*tokens, error) {
	u, err := url.Parse(c.TokenURL)
	if err != nil {
		return nil, fmt.Errorf("kafka.sasl.oauth.token_url: %w", err)
	}
	if _, err := c.ClientSecret.Value(); err != nil {
		return nil, fmt.Errorf("kafka.sasl.oauth.client_secret: %w", err)
	}
	roots, err := authorities("kafka.sasl.oauth.ca", c.CA)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: tokenTimeout, Control: guard(u.Scheme == "https")}
	return &tokens{cfg: c, now: time.Now, client: &http.Client{
		Timeout: tokenTimeout,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			DisableKeepAlives: true, // a question an hour
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// guard looks at the address that a name stood for, when it is too late for it
// to change: without encryption it is this machine, and never one where clouds
// give away what they know of their guests.
func guard(encrypted bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := at.Addr().Unmap()
		if ip.IsLinkLocalUnicast() || !encrypted && !ip.IsLoopback() {
			return fmt.Errorf("%s is not an address to ask for tokens", ip)
		}
		return nil
	}
}

// get gives a token that holds for a while. When there is no new one, the old
// one serves to its end.
func (s *tokens) get(ctx context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.now()
	if asked.Before(s.fresh) {
		return s.token, nil
	}
	token, life, err := s.ask(ctx)
	switch {
	case err == nil:
		s.keep(token, asked, life)
	case asked.Before(s.ends):
		return s.token, nil
	}
	return token, err
}

// keep notes a token that was asked for at a time.
func (s *tokens) keep(token string, asked time.Time, life time.Duration) {
	most := life - tokenSpare
	s.token, s.ends = token, asked.Add(most)
	s.fresh = asked.Add(min(most, time.Duration(tokenFresh*float64(life))))
}

// forget lets the next login ask.
func (s *tokens) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh, s.ends = time.Time{}, time.Time{}
}

// ask asks once for a token and how long it holds; 0: unknown.
func (s *tokens) ask(ctx context.Context) (string, time.Duration, error) {
	secret, err := s.cfg.ClientSecret.Value()
	if err != nil {
		return "", 0, &LoginError{Path: "kafka.sasl.oauth.client_secret", Text: "it cannot be read", Err: err}
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if s.cfg.Scope != "" {
		form.Set("scope", s.cfg.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, s.wrong("it cannot be asked", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(s.cfg.ClientID), url.QueryEscape(secret)) // RFC 6749, 2.3.1
	resp, err := s.client.Do(req)
	if err != nil {
		return "", 0, s.passing("no answer", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, tokenMaxBytes+1))
	if err != nil {
		return "", 0, s.passing("no whole answer", err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, s.refusal(resp, body, secret)
	}
	return s.read(body)
}

// read reads RFC 6749, 5.1.
func (s *tokens) read(body []byte) (string, time.Duration, error) {
	var answer struct {
		AccessToken string          `json:"access_token"`
		TokenType   string          `json:"token_type"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
	}
	switch err := json.Unmarshal(body, &answer); {
	case len(body) > tokenMaxBytes:
		return "", 0, s.wrong(fmt.Sprintf("its answer is longer than %d bytes", tokenMaxBytes), nil)
	case err != nil:
		return "", 0, s.wrong("its answer is not JSON as of RFC 6749", nil) // the answer is not shown: it may hold a token
	case !sendable(answer.AccessToken):
		return "", 0, s.wrong("its answer has no access_token of letters, digits and -._~+/=", nil)
	case answer.TokenType != "" && !strings.EqualFold(answer.TokenType, "bearer"):
		return "", 0, s.wrong(fmt.Sprintf("its tokens are of type %.40q, not bearer", answer.TokenType), nil)
	}
	return answer.AccessToken, lifeOf(answer.ExpiresIn), nil
}

// lifeOf reads seconds, which some write as text.
func lifeOf(seconds json.RawMessage) time.Duration {
	var n float64
	if json.Unmarshal([]byte(strings.Trim(string(seconds), `"`)), &n) != nil || n <= 0 {
		return 0
	}
	return time.Duration(min(n, tokenMaxLife.Seconds()) * float64(time.Second))
}

// refusal says why there is no token. The secret is not repeated, should the
// answer do so.
func (s *tokens) refusal(resp *http.Response, body []byte, secret string) error {
	var why struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	_ = json.Unmarshal(body, &why) // then the status has to do
	text := "it answers " + resp.Status
	if why.Error != "" {
		text += fmt.Sprintf(" %.60q %.200q", hide(why.Error, secret), hide(why.Description, secret))
	}
	if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
		return s.passing(text, nil)
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return s.wrong(text+"; redirects are not followed, write where it leads", nil)
	}
	return s.wrong(text+"; check client_id, client_secret and scope", nil)
}

func hide(text, secret string) string {
	if secret == "" {
		return text
	}
	return strings.ReplaceAll(text, secret, "[secret]")
}

func (s *tokens) wrong(text string, err error) *LoginError {
	return &LoginError{Path: "kafka.sasl.oauth.token_url", Text: fmt.Sprintf("no token from %s: %s", s.cfg.TokenURL, text), Err: bare(err)}
}

// passing is what may be over soon.
func (s *tokens) passing(text string, err error) *LoginError {
	e := s.wrong(text, err)
	e.passing = true
	return e
}

// bare is the cause without the address, which is told once.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
