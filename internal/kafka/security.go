package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// The values of kafka.sasl.mechanism.
const (
	MechanismPlain    = "plain"
	MechanismScram256 = "scram-sha-256"
	MechanismScram512 = "scram-sha-512"
)

// securityOptions turns tls and sasl into options of every client.
func securityOptions(cfg Config) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if cfg.TLS != nil {
		conf, err := cfg.TLS.load()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if cfg.SASL != nil {
		if cfg.sendsPasswordReadable() {
			return nil, fmt.Errorf("kafka.sasl.mechanism: plain sends the password readable to %v; add kafka.tls or use %s", cfg.Seeds, MechanismScram512)
		}
		login, err := cfg.SASL.mechanism()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(login))
	}
	return opts, nil
}

// sendsPasswordReadable says that a password would leave this machine in the clear.
func (c Config) sendsPasswordReadable() bool {
	return c.SASL != nil && c.SASL.Mechanism == MechanismPlain && c.TLS == nil && !allLoopback(c.Seeds)
}

// load reads the files. The client's certificate is read again at each
// connection, so that a rotated one is used without a restart.
func (t *TLSConfig) load() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("kafka.tls.ca: %s holds no certificate in PEM form", t.CA)
		}
	}
	if t.Cert == "" {
		return conf, nil
	}
	read := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, fmt.Errorf("kafka.tls.cert: %w", err)
		}
		return &pair, nil
	}
	if _, err := read(); err != nil {
		return nil, err
	}
	conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return read() }
	return conf, nil
}

// mechanism reads the password at each login, so that a rotated file is used.
func (s *SASLConfig) mechanism() (sasl.Mechanism, error) {
	if _, err := s.Password.Value(); err != nil {
		return nil, fmt.Errorf("kafka.sasl.password: %w", err)
	}
	scramAuth := func(context.Context) (scram.Auth, error) {
		pass, err := s.Password.Value()
		return scram.Auth{User: s.Username, Pass: pass}, err
	}
	switch s.Mechanism {
	case MechanismPlain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			pass, err := s.Password.Value()
			return plain.Auth{User: s.Username, Pass: pass}, err
		}), nil
	case MechanismScram256:
		return scram.Sha256(scramAuth), nil
	case MechanismScram512:
		return scram.Sha512(scramAuth), nil
	}
	return nil, fmt.Errorf("kafka.sasl.mechanism: %q is not known; use %s, %s or %s",
		s.Mechanism, MechanismPlain, MechanismScram256, MechanismScram512)
}
