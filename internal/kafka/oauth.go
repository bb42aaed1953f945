package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

// bearer logs in with tokens.
type bearer struct {
	sasl.Mechanism
	path   string  // in the file, of where tokens come from
	source *tokens // nil: the token is in the file
}

func newBearer(c *OAuthConfig) (sasl.Mechanism, error) {
	if c == nil {
		return nil, fmt.Errorf("kafka.sasl.oauth: absent; set token, or token_url with client_id and client_secret")
	}
	if c.TokenURL == "" {
		return c.fixed()
	}
	source, err := newTokens(c)
	if err != nil {
		return nil, err
	}
	return &bearer{path: "kafka.sasl.oauth.token_url", source: source, Mechanism: oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
		token, err := source.get(ctx)
		return oauth.Auth{Token: token, Extensions: c.Extensions}, err
	})}, nil
}

// fixed takes the token from the file of the pipeline or one that it names.
func (c *OAuthConfig) fixed() (sasl.Mechanism, error) {
	const path = "kafka.sasl.oauth.token"
	read := func(context.Context) (oauth.Auth, error) {
		token, err := c.Token.Value()
		if err == nil && !sendable(token) {
			err = fmt.Errorf("it is not a token: letters, digits and -._~+/= only")
		}
		if err != nil {
			return oauth.Auth{}, fmt.Errorf("%s: %w", path, err)
		}
		return oauth.Auth{Token: token, Extensions: c.Extensions}, nil
	}
	if _, err := read(context.Background()); err != nil {
		return nil, err
	}
	return &bearer{path: path, Mechanism: oauth.Oauth(read)}, nil
}

// sendable says whether a token has only letters that a token may have: others
// could end it and begin something else in the login.
func sendable(token string) bool {
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~+/=", r)
	}
	return token != "" && !strings.ContainsFunc(token, other)
}

// Authenticate begins a login.
func (b *bearer) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := b.Mechanism.Authenticate(ctx, host)
	return &bearerSession{session, b}, first, err
}

// bearerSession is one login. Brokers that refuse a token say why in what looks
// like a next step.
type bearerSession struct {
	sasl.Session
	bearer *bearer
}

// Challenge takes the brokers' answer.
func (s *bearerSession) Challenge(answer []byte) (bool, []byte, error) {
	if len(answer) == 0 {
		return s.Session.Challenge(answer)
	}
	if s.bearer.source != nil {
		s.bearer.source.forget() // it may have been revoked
	}
	var why struct{ Status string }
	if json.Unmarshal(answer, &why) != nil || why.Status == "" {
		why.Status = "no reason given"
	}
	return false, nil, &LoginError{Path: s.bearer.path, Text: fmt.Sprintf("the brokers refuse the token (%.100q)", why.Status)}
}
