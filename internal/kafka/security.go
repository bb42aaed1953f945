package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/kgo"
)

// securityOptions turns tls and sasl into options of every client.
func securityOptions(cfg Config, deps Deps) ([]kgo.Opt, error) {
	var opts []kgo.Opt
	if cfg.TLS != nil {
		conf, err := cfg.TLS.load()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.DialTLSConfig(conf))
	}
	if cfg.SASL != nil {
		if cfg.readable() {
			return nil, fmt.Errorf("kafka.sasl.mechanism: %s", cfg.readableText())
		}
		login, err := cfg.SASL.login(deps)
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.SASL(login))
	}
	return opts, nil
}

// load reads the files. The client's certificate is read again at each
// connection, so that a rotated one is used without a restart.
func (t *TLSConfig) load() (*tls.Config, error) {
	roots, err := authorities("kafka.tls.ca", t.CA)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, RootCAs: roots}
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

// authorities reads certificates of whom to trust; without a file they are the
// system's, nil.
func authorities(path, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: %s holds no certificate in PEM form", path, file)
	}
	return roots, nil
}
