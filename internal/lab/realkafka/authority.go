//go:build interop

package realkafka

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// authority signs the certificates of one cluster: of its brokers and of a client.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	check(t, os.MkdirAll(dir, 0o755))
	a := &authority{dir: dir}
	a.cert, a.key = a.sign(t, "ca")
	a.sign(t, "broker")
	a.sign(t, "client")
	return a
}

// file holds the authority's own certificate.
func (a *authority) file() string { return filepath.Join(a.dir, "ca.pem") }

// pair holds key and certificates of name, as Kafka reads them.
func (a *authority) pair(name string) string { return filepath.Join(a.dir, name+"-pair.pem") }

// client is the files of the client's certificate and key.
func (a *authority) client() (cert, key string) {
	return filepath.Join(a.dir, "client.pem"), filepath.Join(a.dir, "client.key")
}

// sign makes NAME.pem, NAME.key and both in one file. The first signs itself.
func (a *authority) sign(t testing.TB, name string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	check(t, err)
	cert, err := x509.ParseCertificate(signed)
	check(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	check(t, err)
	certText := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	keyText := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	check(t, os.WriteFile(filepath.Join(a.dir, name+".pem"), certText, 0o600))
	check(t, os.WriteFile(filepath.Join(a.dir, name+".key"), keyText, 0o600))
	check(t, os.WriteFile(a.pair(name), append(keyText, certText...), 0o600))
	return cert, key
}
