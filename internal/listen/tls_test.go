package listen

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority signs certificates for 127.0.0.1.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	key, cert := sign(t, name, nil)
	return authority{cert, key}
}

// sign makes a certificate of the authority, or one that signs itself.
func sign(t *testing.T, name string, by *authority) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: by == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

func (a authority) pair(t *testing.T, name string) tls.Certificate {
	key, cert := sign(t, name, &a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// write puts a PEM block into a file whose time stamp is new each time.
func write(t *testing.T, path, kind string, der []byte, stamp time.Time) {
	t.Helper()
	err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	if err == nil {
		err = os.Chtimes(path, stamp, stamp)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (a authority) writePair(t *testing.T, c *TLSConfig, name string, stamp time.Time) {
	t.Helper()
	pair := a.pair(t, name)
	der, err := x509.MarshalECPrivateKey(pair.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.Key, "EC PRIVATE KEY", der, stamp)
	write(t, c.Cert, "CERTIFICATE", pair.Certificate[0], stamp)
}

// run serves until the test ends and returns the address.
func run(t *testing.T, s *Server) string {
	t.Helper()
	l, err := Open("127.0.0.1:0", "test.listen")
	if err != nil {
		t.Fatal(err)
	}
	s.Listener = l
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// shown connects anew and returns the name in the server's certificate.
func shown(addr string, config *tls.Config) (string, error) {
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	answer, err := client.Get("https://" + addr)
	if err != nil {
		return "", err
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.TLS.PeerCertificates[0].Subject.CommonName, nil
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	dir, begin := t.TempDir(), time.Now()
	c := &TLSConfig{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	ca := newAuthority(t, "authority")
	ca.writePair(t, c, "first", begin)
	addr := run(t, &Server{Handler: hello, TLS: c})
	client := &tls.Config{RootCAs: ca.pool()}
	if name, err := shown(addr, client); name != "first" {
		t.Fatalf("got %q %v", name, err)
	}
	write(t, c.Cert, "CERTIFICATE", []byte("half written"), begin.Add(time.Second))
	if name, err := shown(addr, client); name != "first" {
		t.Errorf("while the file is half written: got %q %v", name, err)
	}
	ca.writePair(t, c, "second", begin.Add(2*time.Second))
	if name, err := shown(addr, client); name != "second" {
		t.Errorf("after renewal: got %q %v", name, err)
	}
	if err := os.Remove(c.Cert); err != nil {
		t.Fatal(err)
	}
	if name, err := shown(addr, client); name != "second" {
		t.Errorf("without the file: got %q %v", name, err)
	}
}

func TestClientsMustShowACertificateOfTheAuthorityInForce(t *testing.T) {
	dir, begin := t.TempDir(), time.Now()
	c := &TLSConfig{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), ClientCA: filepath.Join(dir, "ca.pem")}
	ca, next := newAuthority(t, "authority"), newAuthority(t, "next authority")
	ca.writePair(t, c, "server", begin)
	write(t, c.ClientCA, "CERTIFICATE", ca.cert.Raw, begin)
	addr := run(t, &Server{Handler: hello, TLS: c})
	with := func(pairs ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: ca.pool(), Certificates: pairs}
	}
	old, renewed := ca.pair(t, "client"), next.pair(t, "client")
	if _, err := shown(addr, with()); err == nil {
		t.Error("a client without certificate was served")
	}
	if _, err := shown(addr, with(renewed)); err == nil {
		t.Error("a client of another authority was served")
	}
	if _, err := shown(addr, with(old)); err != nil {
		t.Error(err)
	}
	write(t, c.ClientCA, "CERTIFICATE", next.cert.Raw, begin.Add(time.Second))
	if _, err := shown(addr, with(renewed)); err != nil {
		t.Errorf("after the authority changed: %v", err)
	}
	if _, err := shown(addr, with(old)); err == nil {
		t.Error("a client of the old authority is still served")
	}
}

func TestTLSFilesThatCannotBeUsedAreNamed(t *testing.T) {
	dir := t.TempDir()
	good := &TLSConfig{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	newAuthority(t, "authority").writePair(t, good, "server", time.Now())
	for name, c := range map[string]struct {
		config TLSConfig
		text   string
	}{
		"no certificate":         {TLSConfig{Cert: "none.pem", Key: good.Key}, "none.pem"},
		"no key":                 {TLSConfig{Cert: good.Cert, Key: "none.pem"}, "none.pem"},
		"no authority":           {TLSConfig{Cert: good.Cert, Key: good.Key, ClientCA: "none.pem"}, "none.pem"},
		"an authority of no PEM": {TLSConfig{Cert: good.Cert, Key: good.Key, ClientCA: good.Key}, "no certificate in PEM form"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.config.server(); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v", err)
			}
		})
	}
}
