package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The values of kafka.sasl.mechanism.
const (
	MechanismPlain    = "plain"
	MechanismScram256 = "scram-sha-256"
	MechanismScram512 = "scram-sha-512"
	MechanismOAuth    = "oauthbearer"
	MechanismMSK      = "aws-msk-iam"
)

func mechanisms() []string {
	return []string{MechanismPlain, MechanismScram256, MechanismScram512, MechanismOAuth, MechanismMSK}
}

// AWSKeys are the credentials with which aws-msk-iam signs.
type AWSKeys struct{ AccessKey, SecretKey, SessionToken string }

// readable says that what logs in would leave this machine in the clear. Scram
// never sends the password itself.
func (c Config) readable() bool {
	open := []string{MechanismPlain, MechanismOAuth, MechanismMSK}
	return c.SASL != nil && slices.Contains(open, c.SASL.Mechanism) && c.TLS == nil && !allLoopback(c.Seeds)
}

// readableText says so and what to do. Users of plain have another way.
func (c Config) readableText() string {
	to := strings.Join(c.Seeds, ",")
	switch c.SASL.Mechanism {
	case MechanismPlain:
		return fmt.Sprintf("plain sends the password readable to %s; add kafka.tls: {} or use %s", to, MechanismScram512)
	case MechanismOAuth:
		return fmt.Sprintf("oauthbearer sends the token readable to %s; add kafka.tls: {}", to)
	}
	return fmt.Sprintf("%s logs in readable to %s; add kafka.tls: {}", c.SASL.Mechanism, to)
}

// login makes the mechanism. Secrets are read at each login, so that rotated
// ones are used.
func (s *SASLConfig) login(deps Deps) (sasl.Mechanism, error) {
	switch s.Mechanism {
	case MechanismOAuth:
		return newBearer(s.OAuth)
	case MechanismMSK:
		return signed(deps.AWS)
	case MechanismPlain, MechanismScram256, MechanismScram512:
		if _, err := s.Password.Value(); err != nil {
			return nil, fmt.Errorf("kafka.sasl.password: %w", err)
		}
		return s.byPassword(), nil
	}
	return nil, fmt.Errorf("kafka.sasl.mechanism: %q is not known; use %s", s.Mechanism, strings.Join(mechanisms(), ", "))
}

func (s *SASLConfig) byPassword() sasl.Mechanism {
	scrambled := func(context.Context) (scram.Auth, error) {
		pass, err := s.Password.Value()
		return scram.Auth{User: s.Username, Pass: pass}, err
	}
	switch s.Mechanism {
	case MechanismScram256:
		return scram.Sha256(scrambled)
	case MechanismScram512:
		return scram.Sha512(scrambled)
	}
	return plain.Plain(func(context.Context) (plain.Auth, error) {
		pass, err := s.Password.Value()
		return plain.Auth{User: s.Username, Pass: pass}, err
	})
}

// signed logs in with a signature of AWS's, for Amazon MSK.
func signed(keys func(context.Context) (AWSKeys, error)) (sasl.Mechanism, error) {
	if keys == nil {
		return nil, errors.New("kafka.sasl.mechanism: aws-msk-iam has no AWS credentials here; use another one")
	}
	return signature{aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		k, err := keys(ctx)
		if err != nil {
			return aws.Auth{}, &LoginError{Path: "kafka.sasl", Text: MechanismMSK, Err: err, passing: true}
		}
		return aws.Auth{AccessKey: k.AccessKey, SecretKey: k.SecretKey, SessionToken: k.SessionToken, UserAgent: "betimes"}, nil
	})}, nil
}

// signature says what to do when it is not known where to sign for.
type signature struct{ sasl.Mechanism }

// Authenticate begins a login.
func (s signature) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := s.Mechanism.Authenticate(ctx, host)
	var told *LoginError
	if err != nil && !errors.As(err, &told) {
		err = &LoginError{Path: "kafka.sasl.mechanism", Text: MechanismMSK + " reads the region in a broker's name; set AWS_REGION for names of your own", Err: err}
	}
	return session, first, err
}
