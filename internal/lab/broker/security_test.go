package broker_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// authority signs certificates of this test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir()}
	a.cert, a.key = a.sign(t, "ca", true)
	return a
}

// sign makes name.pem and name.key.
func (a *authority) sign(t *testing.T, name string, ca bool) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: ca, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := template, key
	if !ca {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	a.write(t, name+".pem", "CERTIFICATE", der)
	a.write(t, name+".key", "EC PRIVATE KEY", keyDER)
	return cert, key
}

func (a *authority) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(a.file(name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// server is the broker's side; wantClient asks for a certificate of ours.
func (a *authority) server(t *testing.T, wantClient bool) *tls.Config {
	t.Helper()
	a.sign(t, "broker", false)
	pair, err := tls.LoadX509KeyPair(a.file("broker.pem"), a.file("broker.key"))
	if err != nil {
		t.Fatal(err)
	}
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	conf.ClientCAs.AddCert(a.cert)
	if wantClient {
		conf.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return conf
}

func secured(t *testing.T, opts ...kfake.Opt) []string {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c.ListenAddrs()
}

func TestTheDoorLogsIn(t *testing.T) {
	ca := newAuthority(t)
	ca.sign(t, "client", false)
	stranger := newAuthority(t)
	stranger.sign(t, "client", false)
	passwordFile := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(passwordFile, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := []kfake.Opt{kfake.EnableSASL(), kfake.Superuser("PLAIN", "ali", "open sesame"),
		kfake.Superuser("SCRAM-SHA-256", "ali", "open sesame"), kfake.Superuser("SCRAM-SHA-512", "ali", "open sesame")}
	tlsOnly := secured(t, kfake.TLS(ca.server(t, false)))
	mutual := secured(t, kfake.TLS(ca.server(t, true)))
	login := secured(t, open...)
	both := secured(t, append(open, kfake.TLS(ca.server(t, false)))...)

	sasl := func(mechanism, password string) *kafka.SASLConfig {
		return &kafka.SASLConfig{Mechanism: mechanism, Username: "ali", Password: setting.NewSecret(password)}
	}
	trust := &kafka.TLSConfig{CA: ca.file("ca.pem")}
	for name, tt := range map[string]struct {
		seeds []string
		tls   *kafka.TLSConfig
		sasl  *kafka.SASLConfig
		wrong string // empty: it works
	}{
		"tls":                         {tlsOnly, trust, nil, ""},
		"tls of an unknown authority": {tlsOnly, &kafka.TLSConfig{CA: stranger.file("ca.pem")}, nil, "unknown authority"},
		"tls of another name":         {tlsOnly, &kafka.TLSConfig{CA: ca.file("ca.pem"), ServerName: "else.where"}, nil, "else.where"},
		"mutual tls":                  {mutual, &kafka.TLSConfig{CA: ca.file("ca.pem"), Cert: ca.file("client.pem"), Key: ca.file("client.key")}, nil, ""},
		"mutual tls, no certificate":  {mutual, trust, nil, "certificate"},
		"mutual tls, of a stranger":   {mutual, &kafka.TLSConfig{CA: ca.file("ca.pem"), Cert: stranger.file("client.pem"), Key: stranger.file("client.key")}, nil, "certificate"},
		"plain":                       {login, nil, sasl("plain", "open sesame"), ""},
		"plain over tls":              {both, trust, sasl("plain", "open sesame"), ""},
		"scram-sha-256":               {login, nil, sasl("scram-sha-256", "open sesame"), ""},
		"scram-sha-512 over tls":      {both, trust, sasl("scram-sha-512", "open sesame"), ""},
		"a password from a file":      {login, nil, sasl("scram-sha-512", "file:"+passwordFile), ""},
		"no tls where it is wanted":   {tlsOnly, nil, nil, "kafka.tls"},
		"a wrong password":            {login, nil, sasl("scram-sha-512", "open barley"), "kafka.sasl may not be"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // a refused login is tried again for a while
			cfg := kafka.DefaultConfig()
			cfg.Seeds, cfg.TLS, cfg.SASL = tt.seeds, tt.tls, tt.sasl
			c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Ping(limit(t))
			if tt.wrong == "" && err != nil {
				t.Error(err)
			}
			if tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("the error is %v, want %q in it", err, tt.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "barley") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestFilesThatCannotBeUsedAreNamed(t *testing.T) {
	ca := newAuthority(t)
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		tls  *kafka.TLSConfig
		sasl *kafka.SASLConfig
		want []string
	}{
		"no authority file":     {&kafka.TLSConfig{CA: "/nowhere/ca.pem"}, nil, []string{"kafka.tls.ca", "/nowhere/ca.pem"}},
		"an empty authority":    {&kafka.TLSConfig{CA: empty}, nil, []string{"kafka.tls.ca", empty, "no certificate"}},
		"no client certificate": {&kafka.TLSConfig{Cert: "/nowhere/c.pem", Key: ca.file("ca.key")}, nil, []string{"kafka.tls.cert", "/nowhere/c.pem"}},
		"no password file":      {nil, &kafka.SASLConfig{Mechanism: "scram-sha-256", Username: "ali", Password: setting.NewSecret("file:/nowhere/p")}, []string{"kafka.sasl.password", "/nowhere/p"}},
		"a readable password":   {nil, &kafka.SASLConfig{Mechanism: "plain", Username: "ali", Password: setting.NewSecret("x")}, []string{"kafka.sasl.mechanism", "192.0.2.1", "add kafka.tls"}},
		"an unknown mechanism":  {nil, &kafka.SASLConfig{Mechanism: "kerberos", Username: "ali", Password: setting.NewSecret("x")}, []string{"kafka.sasl.mechanism", "kerberos", "scram-sha-512"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := kafka.DefaultConfig()
			cfg.Seeds, cfg.TLS, cfg.SASL = []string{"192.0.2.1:9"}, tt.tls, tt.sasl
			_, err := kafka.Open(cfg, kafka.Deps{})
			if err == nil {
				t.Fatal("it opened")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error is %q, want %q in it", err, want)
				}
			}
		})
	}
}
