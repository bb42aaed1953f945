package listen

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
	"time"
)

// server makes the TLS settings; certificate, key and client authority are read
// again when their files change. A file that cannot be used leaves the old one in force.
func (c *TLSConfig) server() (*tls.Config, error) {
	pair := &followed[*tls.Certificate]{path: c.Cert, read: c.readPair}
	if _, err := pair.get(); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.get() },
	}
	if c.ClientCA == "" {
		return config, nil
	}
	authority := &followed[*x509.CertPool]{path: c.ClientCA, read: c.readAuthority}
	if _, err := authority.get(); err != nil {
		return nil, err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	base := config.Clone()
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		pool, err := authority.get()
		if err != nil {
			return nil, err
		}
		one := base.Clone()
		one.ClientCAs = pool
		return one, nil
	}
	return config, nil
}

func (c *TLSConfig) readPair() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &pair, nil
}

func (c *TLSConfig) readAuthority() (*x509.CertPool, error) {
	pem, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls.client_ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("tls.client_ca: %s holds no certificate in PEM form", c.ClientCA)
	}
	return pool, nil
}

// followed is what was read from files; it is read again when the one at path
// changes, and kept when that fails: it may be half written.
type followed[T any] struct {
	path string
	read func() (T, error)

	mu    sync.Mutex
	held  bool
	value T
	stamp time.Time
	size  int64
}

func (f *followed[T]) get() (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, statErr := os.Stat(f.path)
	if f.held && (statErr != nil || info.ModTime().Equal(f.stamp) && info.Size() == f.size) {
		return f.value, nil
	}
	value, err := f.read()
	switch {
	case err != nil && f.held:
		return f.value, nil
	case err != nil:
		return value, err
	}
	f.held, f.value = true, value
	if statErr == nil {
		f.stamp, f.size = info.ModTime(), info.Size()
	}
	return value, nil
}

// Client makes the settings of a caller on the same machine: beside the
// system's authorities it trusts the server's own certificate. nil stays nil.
func (c *TLSConfig) Client() (*tls.Config, error) {
	if c == nil {
		return nil, nil
	}
	pem, err := os.ReadFile(c.Cert)
	if err != nil {
		return nil, fmt.Errorf("tls.cert: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(pem)
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}
