package exchange

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Authority makes what a connection trusts of the file of a certificate authority;
// nil, the system's own, without a file.
func Authority(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s holds no PEM certificate; write the file of the authority that signed the server's", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}
