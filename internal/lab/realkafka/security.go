//go:build interop

package realkafka

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"betimes/internal/kafka"
	"betimes/internal/setting"
)

// Security is what clients must bring; brokers among themselves need nothing.
type Security struct {
	TLS         bool          // connections are encrypted, with certificates of a new authority
	Certificate bool          // clients show one of that authority; needs TLS
	Login       bool          // as User with Password, by PLAIN or SCRAM, or with a Token
	Session     time.Duration // how long a login holds before it must be renewed; 0: for ever, but for a token's
	Rights      bool          // who is not User may do only what an access list says
}

// Who may log in. Secret is not a word of any real cluster.
const (
	User     = "ali"
	Password = "open sesame"
)

func (s Security) asks() bool { return s.TLS || s.Login }

// properties are the lines of a listener for clients.
func (s Security) properties(n *node, a *authority) map[string]string {
	if !s.asks() {
		return nil
	}
	kind := "PLAINTEXT"
	if s.TLS {
		kind = "SSL"
	}
	if s.Login {
		kind = "SASL_" + kind
	}
	all := map[string]string{
		"advertised.listeners":           fmt.Sprintf("PLAINTEXT://%s,CLIENTS://%s", n.inner(), n.outer()),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,CLIENTS:" + kind,
		"connections.max.reauth.ms":      fmt.Sprint(s.Session.Milliseconds()),
	}
	all["listeners"] = all["advertised.listeners"]
	if n.id <= controllers {
		all["listeners"] += fmt.Sprintf(",CONTROLLER://127.0.0.1:%d", n.ports[1])
	}
	if s.TLS {
		maps.Copy(all, s.encryption(a))
	}
	if s.Login {
		maps.Copy(all, logins())
	}
	if s.Rights {
		all["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		all["super.users"] = "User:ANONYMOUS;User:" + User // the former are the brokers themselves
	}
	return all
}

func (s Security) encryption(a *authority) map[string]string {
	const of = "listener.name.clients."
	all := map[string]string{
		of + "ssl.keystore.type": "PEM", of + "ssl.keystore.location": a.pair("broker"),
		of + "ssl.truststore.type": "PEM", of + "ssl.truststore.location": a.file(),
	}
	if s.Certificate {
		all[of+"ssl.client.auth"] = "required"
	}
	return all
}

// logins has every mechanism of Kafka; of OAUTHBEARER the one whose tokens
// nobody signs. The users of SCRAM are in every cluster's first metadata.
func logins() map[string]string {
	const of, modules = "listener.name.clients.", "org.apache.kafka.common.security."
	return map[string]string{
		of + "sasl.enabled.mechanisms":                        "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
		of + "plain.sasl.jaas.config":                         fmt.Sprintf("%splain.PlainLoginModule required user_%s=%q;", modules, User, Password),
		of + "scram-sha-256.sasl.jaas.config":                 modules + "scram.ScramLoginModule required;",
		of + "scram-sha-512.sasl.jaas.config":                 modules + "scram.ScramLoginModule required;",
		of + "oauthbearer.sasl.jaas.config":                   modules + `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
		of + "oauthbearer.sasl.login.callback.handler.class":  modules + "oauthbearer.internals.unsecured.OAuthBearerUnsecuredLoginCallbackHandler",
		of + "oauthbearer.sasl.server.callback.handler.class": modules + "oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler",
	}
}

// Token is a token of User for OAUTHBEARER that holds for life.
func Token(t testing.TB, life time.Duration) string {
	t.Helper()
	now := time.Now()
	claims, err := json.Marshal(map[string]any{"sub": User, "iat": now.Unix(), "exp": float64(now.Add(life).UnixMilli()) / 1e3, "jti": rand.Text()})
	check(t, err)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "."
}

// Door is how betimes comes in: the section kafka of its file, with the login
// by SCRAM where one is needed.
func (c *Cluster) Door() kafka.Config {
	cfg := kafka.DefaultConfig()
	cfg.Seeds = c.Addrs()
	if c.security.TLS {
		cfg.TLS = &kafka.TLSConfig{CA: c.authority.file()}
	}
	if c.security.Certificate {
		cfg.TLS.Cert, cfg.TLS.Key = c.authority.client()
	}
	if c.security.Login {
		cfg.SASL = &kafka.SASLConfig{Mechanism: kafka.MechanismScram512, Username: User, Password: setting.NewSecret(Password)}
	}
	return cfg
}
