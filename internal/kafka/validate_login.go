package kafka

import (
	"net/url"
	"regexp"
	"slices"

	"betimes/internal/setting"
)

// validate lists what is wrong with the section sasl. What a mechanism does not
// read must not be there.
func (s *SASLConfig) validate(ps *setting.Problems) {
	ps.OneOf("sasl.mechanism", s.Mechanism, mechanisms()...)
	if slices.Contains([]string{MechanismPlain, MechanismScram256, MechanismScram512}, s.Mechanism) {
		s.validatePassword(ps)
	} else if s.Username != "" || !s.Password.IsZero() {
		ps.Add("sasl.username", "%s has neither username nor password; remove both", s.Mechanism)
	}
	switch {
	case s.Mechanism == MechanismOAuth && s.OAuth == nil:
		ps.Add("sasl.oauth", "is empty; set token, or token_url with client_id and client_secret")
	case s.Mechanism == MechanismOAuth:
		s.OAuth.validate(ps)
	case s.OAuth != nil:
		ps.Add("sasl.oauth", "%s takes no tokens; remove it, or set mechanism: %s", s.Mechanism, MechanismOAuth)
	}
}

func (s *SASLConfig) validatePassword(ps *setting.Problems) {
	if s.Username == "" {
		ps.Add("sasl.username", "is empty; write the user name")
	}
	if s.Password.IsZero() {
		ps.Add("sasl.password", "is empty; write file:PATH")
	}
}

var extensionName, extensionValue = regexp.MustCompile(`^[A-Za-z]+$`), regexp.MustCompile(`^[\x21-\x7e \t\r\n]*$`)

func (c *OAuthConfig) validate(ps *setting.Problems) {
	switch {
	case c.TokenURL == "" && c.Token.IsZero():
		ps.Add("sasl.oauth.token", "there is neither token nor token_url; set one of them")
	case c.TokenURL != "" && !c.Token.IsZero():
		ps.Add("sasl.oauth.token", "stands beside token_url; keep one of them")
	case c.TokenURL != "":
		c.validateAddress(ps)
	case c.ClientID != "" || !c.ClientSecret.IsZero() || c.Scope != "" || c.CA != "":
		ps.Add("sasl.oauth.token", "client_id, client_secret, scope and ca are of token_url; remove them")
	}
	for name, value := range c.Extensions {
		if !extensionName.MatchString(name) || name == "auth" || !extensionValue.MatchString(value) {
			ps.Add("sasl.oauth.extensions", "%q: %q is no extension; names are letters, other than auth, values are printed", name, value)
		}
	}
}

func (c *OAuthConfig) validateAddress(ps *setting.Problems) {
	u, err := url.Parse(c.TokenURL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		ps.Add("sasl.oauth.token_url", "it is not a plain URL; write for example https://login.example.com/oauth2/token")
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		ps.Add("sasl.oauth.token_url", "%s://%s would get the client secret readable; write https, http is for this machine only", u.Scheme, u.Host)
	}
	if c.ClientID == "" {
		ps.Add("sasl.oauth.client_id", "is empty; token_url gives tokens to a client")
	}
	if c.ClientSecret.IsZero() {
		ps.Add("sasl.oauth.client_secret", "is empty; write file:PATH")
	}
}
