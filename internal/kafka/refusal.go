package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// LoginError says what of the section kafka.sasl was refused, and why.
type LoginError struct {
	Path    string // in the file
	Text    string
	Err     error // the cause, when there is one
	passing bool  // asking again may help
}

// Error is one sentence.
func (e *LoginError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Path, e.Text, e.Err)
	}
	return e.Path + ": " + e.Text
}

// Unwrap gives the cause, unless it may pass: the library would take a network
// error for the brokers' and look for other brokers.
func (e *LoginError) Unwrap() error {
	if e.passing {
		return nil
	}
	return e.Err
}

// Temporary tells the library to try again.
func (e *LoginError) Temporary() bool { return e.passing }

// explained turns the brokers' refusal of a login into a *LoginError.
func (c *Cluster) explained(err error) error {
	var told *LoginError
	switch {
	case err == nil || c.cfg.SASL == nil:
		return err
	case errors.As(err, &told):
		return told
	case errors.Is(err, kerr.SaslAuthenticationFailed):
		return &LoginError{Path: c.cfg.SASL.path(), Text: "the brokers refuse the login " + c.cfg.SASL.who(), Err: err}
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return &LoginError{Path: "kafka.sasl.mechanism", Text: fmt.Sprintf("the brokers %v have no %s; use one that they have", c.cfg.Seeds, c.cfg.SASL.Mechanism), Err: err}
	}
	return err
}

// path is what to look at when brokers refuse.
func (s *SASLConfig) path() string {
	switch {
	case s.Mechanism == MechanismMSK:
		return "kafka.sasl"
	case s.Mechanism != MechanismOAuth:
		return "kafka.sasl.password"
	case s.OAuth.TokenURL != "":
		return "kafka.sasl.oauth.token_url"
	}
	return "kafka.sasl.oauth.token"
}

// who is tried to log in.
func (s *SASLConfig) who() string {
	switch s.Mechanism {
	case MechanismMSK:
		return "with the AWS credentials of this process; their policy must allow kafka-cluster:Connect"
	case MechanismOAuth:
		return "with this token"
	}
	return fmt.Sprintf("of %q by %s", s.Username, s.Mechanism)
}
