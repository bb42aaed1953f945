package sagemaker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

// Deps are the collaborators of all that an Account makes.
type Deps struct {
	Log        *slog.Logger // nil: nowhere
	Registerer prometheus.Registerer
	Emulator   string                           // URL of the emulator in this process; empty: none
	Env        func(name string) (string, bool) // nil: os.LookupEnv
	Room       *exchange.Room                   // for answers; nil: one for each service
}

// Account is who calls, and where. It is safe for concurrent use.
type Account struct {
	config      AWSConfig
	deps        Deps
	credentials *keyring
	clock       clock
	authorities *tls.Config // nil: the system's
	metrics     *metrics
}

// NewAccount reads the credential chain of the environment; nothing is called yet.
func NewAccount(ctx context.Context, c AWSConfig, d Deps) (*Account, error) {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Env == nil {
		d.Env = os.LookupEnv
	}
	keys, err := newKeyring(ctx, c, d)
	if err != nil {
		return nil, err
	}
	authorities, err := bundle(d)
	if err != nil {
		return nil, err
	}
	return &Account{config: c, deps: d, credentials: keys, authorities: authorities, metrics: newMetrics(d.Registerer)}, nil
}

// bundle reads AWS_CA_BUNDLE, the certificate authorities of a proxy that looks
// into TLS.
func bundle(d Deps) (*tls.Config, error) {
	file, _ := d.Env("AWS_CA_BUNDLE")
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %s holds no PEM certificate; name a file that does, or unset it", file)
	}
	return &tls.Config{RootCAs: pool}, nil
}

// Credentials gives valid ones, for who signs by itself.
func (a *Account) Credentials(ctx context.Context) (wire.Credentials, error) {
	return a.credentials.get(ctx)
}

// Role is what jobs and endpoints run as; Bucket holds their data.
func (a *Account) Role() string { return a.config.Role }

// Bucket is where training data and models are.
func (a *Account) Bucket() string { return a.config.Bucket }
