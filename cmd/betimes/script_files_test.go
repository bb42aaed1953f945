package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	mrand "math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func open(ts *testscript.TestScript, addr string) net.Listener {
	l, err := net.Listen("tcp", addr)
	ts.Check(err)
	ts.Defer(func() { _ = l.Close() })
	return l
}

func port(ts *testscript.TestScript, _ bool, args []string) {
	switch {
	case len(args) == 2 && args[0] == "-taken":
		ts.Setenv(args[1], open(ts, "127.0.0.1:0").Addr().String())
	case len(args) == 1:
		ts.Setenv(args[0], unused(ts))
	default:
		ts.Fatalf("usage: port [-taken] NAME")
	}
}

// unused is an address where nobody listens, nor will: below the ports that the system
// gives to whoever asks for any, and apart from those that brokers choose.
func unused(ts *testscript.TestScript) string {
	const first, last = 19100, 19999
	for range last - first {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+mrand.IntN(last-first+1)))
		if err == nil {
			ts.Check(l.Close())
			return l.Addr().String()
		}
	}
	ts.Fatalf("no port between %d and %d is free", first, last)
	return ""
}

func filler(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: bytes FILE SIZE PREFIX SUFFIX")
	}
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	text := args[2] + strings.Repeat("x", size-len(args[2])-len(args[3])) + args[3]
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

func certs(ts *testscript.TestScript, _ bool, _ []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "scenario"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	ts.Check(err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for file, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: der}, "cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(file), pem.EncodeToMemory(block), 0o600))
	}
}
