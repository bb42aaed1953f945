//go:build interop

package kafka_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
	"betimes/internal/lab/realkafka"
	"betimes/internal/setting"
)

// TestInteropLogins logs in to a real broker by every mechanism that it has.
func TestInteropLogins(t *testing.T) {
	broker := realkafka.Start(t, realkafka.Config{Brokers: 1, Security: realkafka.Security{TLS: true, Login: true}})
	byPassword := func(mechanism, password string) *kafka.SASLConfig {
		return &kafka.SASLConfig{Mechanism: mechanism, Username: realkafka.User, Password: setting.NewSecret(password)}
	}
	byToken := func(token string) *kafka.SASLConfig {
		return &kafka.SASLConfig{Mechanism: kafka.MechanismOAuth, OAuth: &kafka.OAuthConfig{Token: setting.NewSecret(token)}}
	}
	for name, tt := range map[string]struct {
		sasl  *kafka.SASLConfig
		wrong string // empty: it works
	}{
		"plain":                   {byPassword(kafka.MechanismPlain, realkafka.Password), ""},
		"scram-sha-256":           {byPassword(kafka.MechanismScram256, realkafka.Password), ""},
		"scram-sha-512":           {byPassword(kafka.MechanismScram512, realkafka.Password), ""},
		"a token":                 {byToken(realkafka.Token(t, time.Minute)), ""},
		"a wrong password, plain": {byPassword(kafka.MechanismPlain, "open barley"), `kafka.sasl.password: the brokers refuse the login of "ali" by plain`},
		"a wrong password, scram": {byPassword(kafka.MechanismScram512, "open barley"), `kafka.sasl.password: the brokers refuse the login of "ali" by scram-sha-512`},
		"a token that has ended":  {byToken(realkafka.Token(t, -time.Minute)), "kafka.sasl.oauth.token: the brokers refuse the token"},
		"a mechanism of others":   {&kafka.SASLConfig{Mechanism: kafka.MechanismMSK}, "kafka.sasl.mechanism: the brokers"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := broker.Door()
			cfg.SASL = tt.sasl
			c, err := kafka.Open(cfg, kafka.Deps{Pipeline: "test", AWS: func(context.Context) (kafka.AWSKeys, error) { return kafka.AWSKeys{}, nil }})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Ping(limit(t))
			if tt.wrong == "" && err != nil || tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)) {
				t.Errorf("the error is %v, want %q", err, tt.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "barley") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// tokenLife is little more than a token may be old at a login.
const tokenLife = 4 * time.Second

// TestInteropTokensAreRenewedWhileRecordsFlow writes and reads while three
// tokens end. A broker hangs up on who goes on with one that has ended.
func TestInteropTokensAreRenewedWhileRecordsFlow(t *testing.T) {
	var asked atomic.Int64
	giver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":%d}`, realkafka.Token(t, tokenLife), int(tokenLife.Seconds()))
	}))
	t.Cleanup(giver.Close)
	broker := realkafka.Start(t, realkafka.Config{Brokers: 1, Security: realkafka.Security{TLS: true, Login: true, Session: time.Hour}})
	cfg := broker.Door()
	cfg.SASL = &kafka.SASLConfig{Mechanism: kafka.MechanismOAuth, OAuth: &kafka.OAuthConfig{
		TokenURL: giver.URL, ClientID: "betimes", ClientSecret: setting.NewSecret("any"),
	}}
	c := open(t, cfg)
	name := topic(t, c, 1)
	in := tail(t, c, kafka.TailStart(), name)
	p := producer(t, c)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	written := 0
	for asked.Load() < 4 {
		sources := write(t, p, &kafka.Record{Topic: name, Partition: 0, Value: []byte("v")})
		if sources[0] != (event.Source{Topic: name, Offset: int64(written)}) {
			t.Fatalf("record %d is at %v: a write was made twice, or not", written, sources[0])
		}
		written++
		<-tick.C
	}
	read(t, in, written)
}
