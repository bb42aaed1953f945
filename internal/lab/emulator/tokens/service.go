package tokens

import (
	"errors"
	"net/http"
	"time"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/form"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
)

// Service answers for one account.
type Service struct {
	Region, Account string
	Clock           *clock.Clock
	Journal         *journal.Journal
}

// The versions by which forms of STS and IAM are known.
const (
	Version      = "2011-06-15"
	RolesVersion = "2010-05-08"
)

// Operations are what is built, by service.
func Operations() map[string][]string {
	return map[string][]string{"sts": {"GetCallerIdentity"}, "iam": {"GetRole"}, "ecr": {"GetAuthorizationToken"}}
}

// spaces are the namespaces of answers.
var spaces = map[string]string{"sts": "https://sts.amazonaws.com/doc/" + Version + "/", "iam": "https://iam.amazonaws.com/doc/" + RolesVersion + "/"}

// Refuse answers for sts or iam with an error that came up before the request was looked at.
func Refuse(w http.ResponseWriter, service string, e *reply.Error) {
	form.Refuse(w, spaces[service], e)
}

// ServeHTTP answers all three: what has a target is for ECR, the rest are forms.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") != "" {
		s.serveRegistry(w, r)
		return
	}
	began := time.Now()
	f, err := form.Read(r)
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: f["Action"], Resource: "sts", Status: http.StatusOK}
	if f["Version"] == RolesVersion {
		note.Resource = "iam"
	}
	space := spaces[note.Resource]
	var answer any
	if err == nil {
		answer, err = s.run(note.Resource+":"+f["Action"], f)
	}
	if err == nil {
		err = form.Answer(w, space, f["Action"], answer)
	}
	if err != nil {
		refused := refused(err)
		note.Status, note.Error = refused.Status, refused.Type
		form.Refuse(w, space, refused)
	}
	note.Micros = time.Since(began).Microseconds()
	s.Journal.Note(note)
}

func (s *Service) run(operation string, f form.Form) (any, error) {
	switch operation {
	case "sts:GetCallerIdentity":
		return s.caller(), nil
	case "iam:GetRole":
		return s.role(f["RoleName"])
	}
	return nil, refuse("InvalidAction", "Could not find operation %s for version %s", f["Action"], f["Version"])
}

func refuse(kind, format string, args ...any) *reply.Error {
	e := reply.Validation(format, args...)
	e.Type = kind
	return e
}

func refused(err error) *reply.Error {
	var e *reply.Error
	if errors.As(err, &e) {
		return e
	}
	return &reply.Error{Status: http.StatusInternalServerError, Type: "ServiceFailure", Text: "The emulator could not do this: " + err.Error()}
}
