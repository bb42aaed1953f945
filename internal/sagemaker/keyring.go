package sagemaker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

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
	chain       atomic.Pointer[aws.CredentialsProvider] // nil: broken
	load        func(context.Context) (aws.CredentialsProvider, error)
	renewing    chan struct{} // holds one value while refused credentials are renewed
	broken      error         // why there is no chain
	hinted      bool          // the environment or the file names credentials
	region      string        // of the environment or profile
	endpointURL string        // of the profile
	current     atomic.Pointer[aws.Credentials]
	refreshing  atomic.Bool
	refreshed   atomic.Int64 // Unix nanoseconds of the last refresh
}

// newKeyring reads the environment and the shared files. With an emulator in
// this process a mistake in them matters only to a call to AWS.
func newKeyring(ctx context.Context, c AWSConfig, d Deps) (*keyring, error) {
	options := []func(*config.LoadOptions) error{config.WithLogger(logging.Nop{})} // what matters comes as an error
	if c.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(c.Profile))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		err = fmt.Errorf("the configuration of AWS cannot be read; correct it, or aws.profile or AWS_PROFILE: %w", err)
		if d.Emulator == "" {
			return nil, err
		}
		k := newKeyringOf(nil)
		k.broken = err
		return k, nil
	}
	k := newKeyringOf(loaded.Credentials)
	k.region, k.endpointURL, k.hinted = loaded.Region, aws.ToString(loaded.BaseEndpoint), c.Profile != "" || hinted(d)
	k.load = func(ctx context.Context) (aws.CredentialsProvider, error) {
		again, err := config.LoadDefaultConfig(ctx, options...)
		return again.Credentials, err
	}
	return k, nil
}

// newKeyringOf makes the keyring of a chain; nil: there is none.
func newKeyringOf(chain aws.CredentialsProvider) *keyring {
	k := &keyring{renewing: make(chan struct{}, 1)}
	if chain != nil {
		k.chain.Store(&chain)
	}
	return k
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

var errNoCredentials = errors.New("no AWS credentials")

// get gives valid credentials.
func (k *keyring) get(ctx context.Context) (wire.Credentials, error) {
	if c := k.current.Load(); c != nil && !c.Expired() {
		if c.CanExpire && k.due(time.Until(c.Expires)) && k.refreshing.CompareAndSwap(false, true) {
			go k.refresh()
		}
		return wireOf(c), nil
	}
	chain := k.chain.Load()
	if chain == nil {
		return wire.Credentials{}, k.broken
	}
	c, err := (*chain).Retrieve(ctx)
	if err != nil {
		return wire.Credentials{}, fmt.Errorf("%w; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role: %w", errNoCredentials, err)
	}
	k.current.Store(&c)
	return wireOf(&c), nil
}

// due says whether credentials are to be replaced that live for so long. A source that
// has no newer ones yet is asked again after a tenth of that.
func (k *keyring) due(left time.Duration) bool {
	return left < refreshAhead && time.Since(time.Unix(0, k.refreshed.Load())) >= left/10
}

func wireOf(c *aws.Credentials) wire.Credentials {
	return wire.Credentials{AccessKey: c.AccessKeyID, Secret: c.SecretAccessKey, Token: c.SessionToken}
}

// refresh replaces credentials that still work for a while.
func (k *keyring) refresh() {
	defer k.refreshing.Store(false)
	k.refreshed.Store(time.Now().UnixNano())
	ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
	defer cancel()
	k.take(ctx)
}

// take asks the chain for new credentials, and keeps those there are when it has none.
func (k *keyring) take(ctx context.Context) {
	chain := k.chain.Load()
	if chain == nil {
		return
	}
	if cache, ok := (*chain).(*aws.CredentialsCache); ok {
		cache.Invalidate()
	}
	if c, err := (*chain).Retrieve(ctx); err == nil {
		k.current.Store(&c)
	}
}

// renew is told that a service did not accept the credentials of that name, and
// says whether there are others now. Calls that were refused together ask the
// chain once; it is not asked again for a while when it has nothing new.
func (k *keyring) renew(ctx context.Context, refused string) bool {
	select {
	case k.renewing <- struct{}{}:
		defer func() { <-k.renewing }()
	case <-ctx.Done():
		return false
	}
	if c := k.current.Load(); c != nil && nameOf(wireOf(c)) != refused {
		return true
	}
	if time.Since(time.Unix(0, k.refreshed.Load())) < refusedPause {
		return false
	}
	k.refreshed.Store(time.Now().UnixNano())
	k.reread(ctx)
	k.take(ctx)
	c := k.current.Load()
	return c != nil && nameOf(wireOf(c)) != refused
}

// reread looks at the shared files again: keys in them are replaced in place.
func (k *keyring) reread(ctx context.Context) {
	if k.load == nil {
		return
	}
	if chain, err := k.load(ctx); err == nil {
		k.chain.Store(&chain)
	}
}

// nameOf tells credentials apart without their secret.
func nameOf(c wire.Credentials) string { return c.AccessKey + "\x00" + c.Token }
