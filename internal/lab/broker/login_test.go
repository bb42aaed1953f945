package broker_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// doorman answers logins by a mechanism that the embedded brokers do not have.
type doorman struct {
	mechanism string
	session   time.Duration // how long a login holds; 0: for ever
	// judge takes what a client says first. An error is a refusal; answer is what
	// brokers say beside it.
	judge func(said []byte) (answer []byte, err error)

	mu   sync.Mutex
	said []string // by clients, in order
}

// guarded starts one broker whose logins d answers.
func guarded(t *testing.T, d *doorman) []string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
		if r.(*kmsg.SASLHandshakeRequest).Mechanism != d.mechanism {
			resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
		}
		return resp, nil, true
	})
	c.ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return d.answer(r.(*kmsg.SASLAuthenticateRequest)), nil, true
	})
	return c.ListenAddrs()
}

func (d *doorman) answer(r *kmsg.SASLAuthenticateRequest) *kmsg.SASLAuthenticateResponse {
	d.mu.Lock()
	defer d.mu.Unlock()
	resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	d.said = append(d.said, string(r.SASLAuthBytes))
	answer, err := d.judge(r.SASLAuthBytes)
	if resp.SASLAuthBytes = answer; err != nil && answer == nil {
		text := err.Error()
		resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, &text
	}
	resp.SessionLifetimeMillis = d.session.Milliseconds()
	return resp
}

func (d *doorman) heard() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.said...)
}

// tokenHolder takes the one token, and refuses others as Kafka does.
func tokenHolder(token string) *doorman {
	return &doorman{mechanism: "OAUTHBEARER", judge: func(said []byte) ([]byte, error) {
		if !strings.HasPrefix(string(said), "n,,\x01auth=Bearer "+token+"\x01") {
			return []byte(`{"status":"invalid_token"}`), errors.New("refused")
		}
		return nil, nil
	}}
}

// ping opens the door and asks once. What is logged is kept.
func ping(t *testing.T, seeds []string, sasl *kafka.SASLConfig, deps kafka.Deps) (said string, err error) {
	t.Helper()
	var log strings.Builder
	var mu sync.Mutex
	deps.Pipeline, deps.Log = "test", slog.New(slog.NewTextHandler(locked{&mu, &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := kafka.DefaultConfig()
	cfg.Seeds, cfg.SASL = seeds, sasl
	c, err := kafka.Open(cfg, deps)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(limit(t), 5*time.Second)
	defer cancel()
	err = c.Ping(ctx)
	c.Close()
	mu.Lock()
	defer mu.Unlock()
	return log.String(), err
}

// locked lets several goroutines write.
type locked struct {
	mu  *sync.Mutex
	out *strings.Builder
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func TestTheDoorLogsInWithTokens(t *testing.T) {
	giver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "open-sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"error":"invalid_client","error_description":"not %s"}`, secret)
			return
		}
		_, _ = fmt.Fprint(w, `{"access_token":"good.token","expires_in":3600}`)
	}))
	t.Cleanup(giver.Close)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("good.token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	by := func(secret string) *kafka.OAuthConfig {
		return &kafka.OAuthConfig{TokenURL: giver.URL, ClientID: "betimes", ClientSecret: setting.NewSecret(secret)}
	}
	for name, tt := range map[string]struct {
		oauth *kafka.OAuthConfig
		wrong []string // empty: it works
	}{
		"a token":                   {&kafka.OAuthConfig{Token: setting.NewSecret("good.token")}, nil},
		"a token in a file":         {&kafka.OAuthConfig{Token: setting.NewSecret("file:" + file)}, nil},
		"a token with extensions":   {&kafka.OAuthConfig{Token: setting.NewSecret("good.token"), Extensions: map[string]string{"logicalCluster": "lkc-1"}}, nil},
		"a token that is asked for": {by("open-sesame"), nil},
		"a wrong token":             {&kafka.OAuthConfig{Token: setting.NewSecret("bad.token")}, []string{"kafka.sasl.oauth.token: the brokers refuse the token", "invalid_token"}},
		"a wrong secret":            {by("open-barley"), []string{"kafka.sasl.oauth.token_url: no token from " + giver.URL, "401", "invalid_client", "client_secret"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tokenHolder("good.token")
			log, err := ping(t, guarded(t, d), &kafka.SASLConfig{Mechanism: kafka.MechanismOAuth, OAuth: tt.oauth}, kafka.Deps{})
			judgeLogin(t, err, log, tt.wrong)
			if tt.oauth.Extensions != nil && !strings.Contains(d.heard()[0], "\x01logicalCluster=lkc-1\x01") {
				t.Errorf("the brokers heard %q", d.heard())
			}
		})
	}
}

// judgeLogin compares an error with what must be in it. Secrets are nowhere.
func judgeLogin(t *testing.T, err error, log string, wrong []string) {
	t.Helper()
	if len(wrong) == 0 && err != nil {
		t.Error(err)
	}
	for _, want := range wrong {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
	for _, secret := range []string{"barley", "sesame", "bad.token", "good.token", "wJalr"} {
		if strings.Contains(log, secret) || err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q is told: %v\n%s", secret, err, log)
		}
	}
}

func TestALoginIsRenewedBeforeItEnds(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(token string) {
		if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("first")
	d := tokenHolder("") // any
	d.session = time.Second
	d.judge = func([]byte) ([]byte, error) { return nil, nil }
	cfg := kafka.DefaultConfig()
	cfg.Seeds = guarded(t, d)
	cfg.SASL = &kafka.SASLConfig{Mechanism: kafka.MechanismOAuth, OAuth: &kafka.OAuthConfig{Token: setting.NewSecret("file:" + file)}}
	c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(limit(t)); err != nil {
		t.Fatal(err)
	}
	put("second")
	if err := c.Ping(limit(t)); err != nil { // a second is less than the library's haste
		t.Fatal(err)
	}
	heard := d.heard()
	if last := heard[len(heard)-1]; !strings.Contains(last, "Bearer second") {
		t.Errorf("the brokers heard %q, the new token not", heard)
	}
}

func TestBrokersWithoutTheMechanismAreTold(t *testing.T) {
	seeds := guarded(t, &doorman{mechanism: "GSSAPI"})
	_, err := ping(t, seeds, &kafka.SASLConfig{Mechanism: kafka.MechanismScram256, Username: "ali", Password: setting.NewSecret("x")}, kafka.Deps{})
	if err == nil || !strings.Contains(err.Error(), "kafka.sasl.mechanism: the brokers") || !strings.Contains(err.Error(), "scram-sha-256") {
		t.Errorf("the error is %v", err)
	}
}

func TestAWrongPasswordIsOneSentence(t *testing.T) {
	d := &doorman{mechanism: "PLAIN", judge: func([]byte) ([]byte, error) { return nil, errors.New("Authentication failed") }}
	log, err := ping(t, guarded(t, d), &kafka.SASLConfig{Mechanism: kafka.MechanismPlain, Username: "ali", Password: setting.NewSecret("open-barley")}, kafka.Deps{})
	judgeLogin(t, err, log, []string{`kafka.sasl.password: the brokers refuse the login of "ali" by plain`, "Authentication failed"})
}

// Keys as AWS writes them in its examples.
const (
	accessKey = "AKIDEXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

func TestTheDoorSignsForMSK(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-west-1") // the name of the broker does not say it
	keys := func(k kafka.AWSKeys, err error) kafka.Deps {
		return kafka.Deps{AWS: func(context.Context) (kafka.AWSKeys, error) { return k, err }}
	}
	for name, tt := range map[string]struct {
		deps  kafka.Deps
		wrong []string
	}{
		"good keys":       {keys(kafka.AWSKeys{AccessKey: accessKey, SecretKey: secretKey}, nil), nil},
		"keys of a role":  {keys(kafka.AWSKeys{AccessKey: accessKey, SecretKey: secretKey, SessionToken: "token/+="}, nil), nil},
		"a wrong secret":  {keys(kafka.AWSKeys{AccessKey: accessKey, SecretKey: "open-barley"}, nil), []string{"kafka.sasl: the brokers refuse the login", "kafka-cluster:Connect", "Access denied"}},
		"no keys":         {keys(kafka.AWSKeys{}, errors.New("no AWS credentials")), []string{"kafka.sasl: aws-msk-iam: no AWS credentials"}},
		"nobody has keys": {kafka.Deps{}, []string{"kafka.sasl.mechanism"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &doorman{mechanism: "AWS_MSK_IAM", judge: verifySignature}
			log, err := ping(t, guarded(t, d), &kafka.SASLConfig{Mechanism: kafka.MechanismMSK}, tt.deps)
			judgeLogin(t, err, log, tt.wrong)
		})
	}
}

func TestARegionThatIsNotKnownIsToldWithItsRemedy(t *testing.T) {
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	deps := kafka.Deps{AWS: func(context.Context) (kafka.AWSKeys, error) {
		return kafka.AWSKeys{AccessKey: accessKey, SecretKey: secretKey}, nil
	}}
	log, err := ping(t, guarded(t, &doorman{mechanism: "AWS_MSK_IAM", judge: verifySignature}), &kafka.SASLConfig{Mechanism: kafka.MechanismMSK}, deps)
	judgeLogin(t, err, log, []string{"kafka.sasl.mechanism", "set AWS_REGION"})
}

// verifySignature does what Amazon's brokers do with a payload of version
// 2020_10_22: a signed request in JSON, whose signature it computes anew.
func verifySignature(said []byte) ([]byte, error) {
	denied := errors.New("Access denied")
	var p map[string]string
	if json.Unmarshal(said, &p) != nil || p["version"] != "2020_10_22" || p["user-agent"] != "betimes" || p["action"] != "kafka-cluster:Connect" {
		return nil, denied
	}
	at, err := time.Parse("20060102T150405Z", p["x-amz-date"])
	scope := at.Format("20060102") + "/eu-west-1/kafka-cluster/aws4_request"
	if err != nil || time.Since(at).Abs() > 5*time.Minute || p["x-amz-credential"] != accessKey+"/"+scope || p["x-amz-signedheaders"] != "host" {
		return nil, denied
	}
	query := url.Values{
		"Action": {p["action"]}, "X-Amz-Algorithm": {p["x-amz-algorithm"]}, "X-Amz-Credential": {p["x-amz-credential"]},
		"X-Amz-Date": {p["x-amz-date"]}, "X-Amz-Expires": {p["x-amz-expires"]}, "X-Amz-SignedHeaders": {"host"},
	}
	if token := p["x-amz-security-token"]; token != "" {
		query.Set("X-Amz-Security-Token", token)
	}
	request := sha256.Sum256([]byte("GET\n/\n" + strings.ReplaceAll(query.Encode(), "+", "%20") + "\nhost:" + p["host"] + "\n\nhost\n" + hex.EncodeToString(sha256.New().Sum(nil))))
	text := "AWS4-HMAC-SHA256\n" + p["x-amz-date"] + "\n" + scope + "\n" + hex.EncodeToString(request[:])
	key := []byte("AWS4" + secretKey)
	for _, part := range append(strings.Split(scope, "/"), text) {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	if hex.EncodeToString(key) != p["x-amz-signature"] {
		return nil, denied
	}
	return []byte(`{"version":"2020_10_22","request-id":"1"}`), nil
}
