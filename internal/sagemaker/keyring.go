package sagemaker

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"betimes/internal/sagemaker/wire"
)

const (
	refreshAhead   = 5 * time.Minute // before expiry, in the background
	refreshTimeout = 30 * time.Second
	refusedPause   = 10 * time.Second // between refreshes for refusals
)

// keyring keeps the credentials of the chain: environment, shared files, SSO,
// web identity, container and instance roles. It is asked on every call, so a
// call waits for the chain only when there is no valid credential at all.
type keyring struct {
	chain       aws.CredentialsProvider
	broken      error  // why there is no chain
	hinted      bool   // the environment or the file names credentials
	region      string // of the environment or profile
	endpointURL string // of the profile
	current     atomic.Pointer[aws.Credentials]
	refreshing  atomic.Bool
	refreshed   atomic.Int64 // Unix seconds of the last refresh
}

// newKeyring reads the environment and the shared files. With an emulator in
// this process a mistake in them matters only to a call to AWS.
func newKeyring(ctx context.Context, c AWSConfig, d Deps) (*keyring, error) {
	var options []func(*config.LoadOptions) error
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		err = fmt.Errorf("aws configuration: %w", err)
		if d.Emulator == "" {
			return nil, err
		}
		return &keyring{broken: err}, nil
	}
	return &keyring{
		chain: loaded.Credentials, region: loaded.Region, endpointURL: aws.ToString(loaded.BaseEndpoint),
		hinted: c.Profile != "" || hinted(d),
	}, nil
}

// hinted says whether the environment means an account. If not, the chain would
// ask the instance's metadata service, which takes seconds where there is none.
func hinted(d Deps) bool {
	for _, name := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		if v, _ := d.Env(name); v != "" {
			return true
		}
	}
	return false
}

// dummy signs calls to an emulator, which reads service and region from the signature.
func dummy() wire.Credentials { return wire.Credentials{AccessKey: "betimes", Secret: "betimes"} }

// get gives valid credentials.
func (k *keyring) get(ctx context.Context) (wire.Credentials, error) {
	if c := k.current.Load(); c != nil && !c.Expired() {
		if c.CanExpire && time.Until(c.Expires) < refreshAhead && k.refreshing.CompareAndSwap(false, true) {
			go k.refresh()
		}
		return wireOf(c), nil
	}
	if k.chain == nil {
		return wire.Credentials{}, k.broken
	}
	c, err := k.chain.Retrieve(ctx)
	if err != nil {
		return wire.Credentials{}, fmt.Errorf("no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role: %w", err)
	}
	k.current.Store(&c)
	return wireOf(&c), nil
}

func wireOf(c *aws.Credentials) wire.Credentials {
	return wire.Credentials{AccessKey: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}
}

// refresh replaces credentials that still work for a while.
func (k *keyring) refresh() {
	defer k.refreshing.Store(false)
	k.refreshed.Store(time.Now().Unix())
	ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
	defer cancel()
	if cache, ok := k.chain.(*aws.CredentialsCache); ok {
		cache.Invalidate()
	}
	if c, err := k.chain.Retrieve(ctx); err == nil {
		k.current.Store(&c)
	}
}

// refused is told that a service did not accept the credentials: they may have
// been replaced, so the chain is asked again, but not for every call.
func (k *keyring) refused() {
	lately := time.Since(time.Unix(k.refreshed.Load(), 0)) < refusedPause
	if k.chain != nil && !lately && k.refreshing.CompareAndSwap(false, true) {
		go k.refresh()
	}
}
