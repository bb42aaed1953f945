package emulator

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/metrics"
	"betimes/internal/lab/emulator/objects"
	"betimes/internal/lab/emulator/queues"
	"betimes/internal/lab/emulator/reply"
	"betimes/internal/lab/emulator/signature"
	"betimes/internal/lab/emulator/tokens"
	"betimes/internal/lab/emulator/topics"
)

// newVerifier reads the keys; nil when signatures are not checked.
func newVerifier(c Config, issued *issuer) (*signature.Verifier, error) {
	if c.Auth != verify {
		return nil, nil
	}
	v := &signature.Verifier{Issued: issued.find, Keys: map[string]signature.Key{}, Now: time.Now}
	for name, secret := range c.Keys {
		text, err := secret.Value()
		if err != nil {
			return nil, err
		}
		token, err := c.Tokens[name].Value()
		if err != nil {
			return nil, err
		}
		v.Keys[name] = signature.Key{Secret: text, Token: token}
	}
	return v, nil
}

// admitted says whether a request's signature holds; when it does not, the caller is told so.
func (e *Emulator) admitted(service string, w http.ResponseWriter, r *http.Request) bool {
	if service == unknown || service == notices && isLink(r) {
		return true
	}
	bad := e.verifier.Check(r, service)
	if bad != nil {
		e.refuse(service, bad.In(styleOf(service, r)), w, r)
	}
	return bad == nil
}

// nowhere refuses a place that cannot be.
func (e *Emulator) nowhere(service string, at place, err error, w http.ResponseWriter, r *http.Request) {
	style := styleOf(service, r)
	var refused *reply.Error
	switch {
	case errors.Is(err, errNoRegion):
		refused = signature.WrongRegion(at.region, home.region, r.Header.Get("Authorization") == "").In(style)
	case errors.Is(err, errTooMany):
		refused = &reply.Error{Status: http.StatusBadRequest, Type: "LimitExceededException", Text: err.Error()}
	default:
		e.log.Error("place not opened", "account", at.account, "region", at.region, "error", err)
		refused = &reply.Error{Status: http.StatusInternalServerError, Type: "InternalFailure", Text: "The emulator could not do this; its log says why."}
	}
	e.refuse(service, refused, w, r)
}

// refuse answers before the service has seen a request, in its words.
func (e *Emulator) refuse(service string, refused *reply.Error, w http.ResponseWriter, r *http.Request) {
	switch {
	case service == storage:
		objects.Refuse(w, r, refused)
	case service == notices:
		topics.Refuse(w, refused)
	case service == messages:
		queues.Refuse(w, r, refused)
	case service == watching:
		metrics.Refuse(w, r, refused)
	case styleOf(service, r) == signature.Query:
		tokens.Refuse(w, service, refused)
	default:
		refused.Write(w)
	}
	e.journal.Note(journal.Entry{Time: time.Now(), Kind: journal.Request, Operation: "signature", Resource: service, Status: refused.Status, Error: refused.Type})
}

// isLink knows the links of notifications, which people follow without a signature.
func isLink(r *http.Request) bool {
	action := r.URL.Query().Get("Action")
	return r.Method == http.MethodGet && credentialOf(r) == (credential{}) && (action == "ConfirmSubscription" || action == "Unsubscribe")
}

// styleOf is how a service says no to a request.
func styleOf(service string, r *http.Request) signature.Style {
	switch service {
	case storage:
		return signature.Objects
	case sageMaker:
		if strings.HasPrefix(r.URL.Path, "/endpoints/") {
			return signature.REST
		}
	case notices, identity, roles:
		return signature.Query
	case messages, watching:
		if r.Header.Get("X-Amz-Target") == "" && !strings.HasPrefix(r.URL.Path, metrics.PathPrefix) {
			return signature.Query
		}
	}
	return signature.JSON
}
