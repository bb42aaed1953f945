package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/lab/emulator"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
	"betimes/internal/setting"
)

const (
	keysThere = 500
	keyLife   = 300 * time.Millisecond
	// early is what the SDK takes off the life of a container's credentials.
	early = 5 * time.Minute
)

// issuer gives credentials that live for a moment, as a container's role does, and
// stands before an emulator to refuse those that are over or were revoked.
type issuer struct {
	mu       sync.Mutex
	given    int
	expires  map[string]time.Time
	away     time.Time // until when it gives none
	refusals atomic.Int64
	proxy    *httputil.ReverseProxy
}

func newIssuer(t *testing.T, at string) (i *issuer, role, service string) {
	t.Helper()
	target, err := url.Parse(at)
	must(t, err)
	i = &issuer{expires: map[string]time.Time{}, proxy: &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = target.Scheme, target.Host, p.In.Host // the signed one
	}}}
	roles, services := httptest.NewServer(http.HandlerFunc(i.give)), httptest.NewServer(http.HandlerFunc(i.guard))
	t.Cleanup(roles.Close)
	t.Cleanup(services.Close)
	return i, roles.URL, services.URL
}

func (i *issuer) give(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if time.Now().Before(i.away) {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if i.given < keysThere {
		i.given++
	}
	name, expires := fmt.Sprintf("AKID%d", i.given), time.Now().Add(keyLife)
	i.expires[name] = expires
	_ = json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": name, "SecretAccessKey": "secret", "Token": "token", "Expiration": expires.Add(early).UTC().Format(time.RFC3339Nano)})
}

// revoke ends all that were given.
func (i *issuer) revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	clear(i.expires)
}

// leave gives none for longer than any lives.
func (i *issuer) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = time.Now().Add(keyLife * 3 / 2)
}

func (i *issuer) guard(w http.ResponseWriter, r *http.Request) {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	name, _, _ := strings.Cut(rest, "/")
	i.mu.Lock()
	good := time.Now().Before(i.expires[name])
	i.mu.Unlock()
	if good {
		i.proxy.ServeHTTP(w, r)
		return
	}
	i.refusals.Add(1)
	w.Header().Set("X-Amzn-Errortype", "ExpiredTokenException")
	w.WriteHeader(http.StatusForbidden)
	_, _ = w.Write([]byte(`{"message":"The security token included in the request is expired"}`))
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.given
}

// TestCredentialsThatExpireAndAreRevokedUnderLoadFailNoEvent has calls under way all
// the time while credentials live for 300 ms, are revoked, and are not to be had until
// the last have expired.
func TestCredentialsThatExpireAndAreRevokedUnderLoadFailNoEvent(t *testing.T) {
	config := emulator.DefaultConfig()
	config.Profile, config.Auth = "instant", "verify"
	config.Keys, config.Tokens = map[string]setting.Secret{"betimes": setting.NewSecret("betimes")}, map[string]setting.Secret{}
	for n := 1; n <= keysThere; n++ {
		name := fmt.Sprintf("AKID%d", n)
		config.Keys[name], config.Tokens[name] = setting.NewSecret("secret"), setting.NewSecret("token")
	}
	dir := t.TempDir()
	b := start(t, "instant", dir) // signatures are not checked while endpoints are made
	b.deploy("fraud", "builtin:echo", "", 1)
	b.async("builtin:echo", 1)
	b.stop()
	b = startWith(t, config, dir)
	issuer, role, service := newIssuer(t, b.url)
	for name, value := range map[string]string{
		"AWS_CONTAINER_CREDENTIALS_FULL_URI": role, "AWS_ACCESS_KEY_ID": "", "AWS_PROFILE": "", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": "",
		"AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(dir, "none"),
	} {
		t.Setenv(name, value)
	}
	account, err := sagemaker.NewAccount(t.Context(), sagemaker.AWSConfig{EndpointURL: service, Bucket: "data"}, sagemaker.Deps{})
	must(t, err)
	for name, door := range doors(t, account) {
		t.Run(name, func(t *testing.T) {
			picker := balance.New(balance.Target{Model: name, Endpoint: name, Limit: 8}, door, balance.Deps{})
			before := issuer.count()
			var asked, again atomic.Int64
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for (issuer.count() < before+20 || asked.Load() < 100) && t.Context().Err() == nil {
						asked.Add(1)
						again.Add(answered(t, picker))
					}
				})
			}
			for i, wrong := range []func(){issuer.revoke, issuer.leave, issuer.revoke} {
				for issuer.count() < before+5*(i+1) {
					if t.Context().Err() != nil {
						t.Fatal("no other credentials are asked for")
					}
					<-time.After(time.Millisecond)
				}
				wrong()
			}
			all.Wait()
			t.Logf("%d events, %d asked again, %d refusals, %d credentials", asked.Load(), again.Load(), issuer.refusals.Load(), issuer.count()-before)
		})
	}
	if issuer.refusals.Load() == 0 {
		t.Error("nothing was refused: it proves nothing")
	}
}

// doors are the three ways to ask.
func doors(t *testing.T, account *sagemaker.Account) map[string]model.Invoker {
	t.Helper()
	config := sagemaker.DefaultConfig()
	config.Endpoint = "fraud"
	whole, err := account.Endpoint(config)
	must(t, err)
	config.Stream = true
	streamed, err := account.Endpoint(config)
	must(t, err)
	async := sagemaker.DefaultAsync()
	config.Endpoint, config.Stream, config.Async = "slow", false, &async
	later, err := account.Async(config)
	must(t, err)
	t.Cleanup(func() { whole.Close(); streamed.Close(); later.Close() })
	return map[string]model.Invoker{"whole": whole, "streamed": streamed, "asynchronous": later}
}

// answered asks about an event as the stream does: what the endpoint is to blame for
// is asked again. It gives how often that was.
func answered(t *testing.T, in model.Invoker) int64 {
	for again := int64(0); ; again++ {
		resp, err := in.Invoke(t.Context(), request("1,2"))
		switch {
		case err == nil && string(resp.Answers[0].Body) == "1,2":
			return again
		case !model.ClassOf(err).OfEndpoint() || t.Context().Err() != nil:
			t.Errorf("an event has failed: %v, %v", resp, err)
			return again
		}
		<-time.After(10 * time.Millisecond)
	}
}
