package emulator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"

	"betimes/internal/lab/emulator/signature"
)

// issuer gives the programs that serve and train credentials of their account, as
// AWS does by the role that they run in. They hold until the emulator ends.
type issuer struct{ secret string }

func newIssuer() *issuer { return &issuer{rand.Text()} }

// key is the one whose access key is the account itself.
func (i *issuer) key(account string) signature.Key {
	return signature.Key{Secret: i.derive("secret", account), Token: i.derive("token", account)}
}

func (i *issuer) derive(what, account string) string {
	h := hmac.New(sha256.New, []byte(i.secret))
	h.Write([]byte(what + " " + account))
	return hex.EncodeToString(h.Sum(nil))
}

// find is for what asks by an access key.
func (i *issuer) find(accessKey string) (signature.Key, bool) {
	if !isAccount(accessKey) {
		return signature.Key{}, false
	}
	return i.key(accessKey), true
}

// variables let the AWS SDKs of a program reach this emulator as one who is in the
// program's account and region.
func (e *Emulator) variables(at place) map[string]string {
	key := e.issued.key(at.account)
	if e.verifier != nil {
		if given, ok := e.verifier.Keys[at.account]; ok {
			key = given
		}
	}
	return map[string]string{
		"AWS_REGION": at.region, "AWS_DEFAULT_REGION": at.region, "AWS_ENDPOINT_URL": e.URL(),
		"AWS_ACCESS_KEY_ID": at.account, "AWS_SECRET_ACCESS_KEY": key.Secret, "AWS_SESSION_TOKEN": key.Token,
	}
}
