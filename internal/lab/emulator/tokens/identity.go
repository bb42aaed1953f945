package tokens

import (
	"encoding/xml"
	"fmt"
	"net/http"

	"betimes/internal/lab/emulator/reply"
)

// Service answers for one account.
type Service struct {
	Account string
}

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::%s:user/betimes</Arn><UserId>AIDABETIMES</UserId><Account>%s</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></GetCallerIdentityResponse>`

// ServeHTTP answers the Query protocol, version 2011-06-15.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	w.Header().Set("Content-Type", "text/xml")
	action := r.FormValue("Action")
	if action == "GetCallerIdentity" {
		_, _ = fmt.Fprintf(w, identity, s.Account, s.Account, reply.ID()) // the caller may have gone
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	_ = xml.NewEncoder(w).Encode(refusal{Type: "Sender", Code: "InvalidAction",
		Message: "Could not find operation " + action + " for version 2011-06-15", RequestID: reply.ID()})
}

type refusal struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}
