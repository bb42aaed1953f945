package signature

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// claim is what a request says of its signature.
type claim struct {
	accessKey, day, region, service string
	scope                           string // day/region/service/aws4_request
	date                            string // 20261125T235959Z
	at                              time.Time
	headers                         []string // the signed ones
	signature, token                string
	presigned                       bool
	expires                         time.Duration // of a presigned URL
}

// claimed reads the header Authorization, else the query of a presigned URL.
func claimed(r *http.Request) (*claim, *Refusal) {
	s := &claim{token: r.Header.Get("X-Amz-Security-Token")}
	var credential, headers string
	if text := r.Header.Get("Authorization"); text != "" {
		given, rest, _ := strings.Cut(text, " ")
		if given == version2 {
			return nil, tooOld()
		}
		if given != algorithm {
			return nil, incomplete("Unsupported AWS 'algorithm': '%s'.", given)
		}
		members := membersOf(rest)
		for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
			if members[name] == "" {
				return nil, incomplete("Authorization header requires '%s' parameter. Authorization=%s", name, given)
			}
		}
		credential, headers, s.signature, s.date = members["Credential"], members["SignedHeaders"], members["Signature"], r.Header.Get("X-Amz-Date")
	} else {
		q := r.URL.Query()
		if q.Has("AWSAccessKeyId") {
			return nil, tooOld()
		}
		if q.Get("X-Amz-Signature") == "" && q.Get("X-Amz-Credential") == "" {
			return nil, missing()
		}
		if given := q.Get("X-Amz-Algorithm"); given != algorithm {
			return nil, badQuery("X-Amz-Algorithm only supports \"" + algorithm + "\"")
		}
		seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
		switch {
		case err != nil:
			return nil, badQuery("X-Amz-Expires should be a number")
		case seconds < 0:
			return nil, badQuery("X-Amz-Expires must be non-negative")
		case seconds > maxExpires:
			return nil, badQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
		}
		s.presigned, s.expires = true, time.Duration(seconds)*time.Second
		credential, headers, s.signature, s.date = q.Get("X-Amz-Credential"), q.Get("X-Amz-SignedHeaders"), q.Get("X-Amz-Signature"), q.Get("X-Amz-Date")
		if token := q.Get("X-Amz-Security-Token"); token != "" {
			s.token = token
		}
	}
	s.headers = strings.Split(headers, ";")
	return s, s.read(credential)
}

// maxExpires is a week in seconds.
const maxExpires = 7 * 24 * 3600

// membersOf reads Credential=…, SignedHeaders=…, Signature=….
func membersOf(text string) map[string]string {
	members := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		members[name] = value
	}
	return members
}

// read takes apart KEY/DAY/REGION/SERVICE/aws4_request, and the date.
func (s *claim) read(credential string) *Refusal {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != terminator {
		return incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", credential)
	}
	s.accessKey, s.day, s.region, s.service = parts[0], parts[1], parts[2], parts[3]
	s.scope = strings.Join(parts[1:], "/")
	var err error
	if s.at, err = time.Parse(dateForm, s.date); err != nil {
		return incomplete("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", s.date)
	}
	return nil
}

func (s *claim) checkScope(service string) *Refusal {
	switch {
	case s.service != service:
		return wrongScope("Credential should be scoped to correct service: '%s'. ", service)
	case !strings.HasPrefix(s.date, s.day):
		return wrongScope("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", s.day, s.date[:len("20060102")], s.date)
	}
	return nil
}

// How far a client's clock may be off.
const (
	skew   = 5 * time.Minute
	skewS3 = 15 * time.Minute
)

func (v *Verifier) checkTime(s *claim, service string) *Refusal {
	now, most := v.Now().UTC(), skew
	if service == "s3" {
		most = skewS3
	}
	switch {
	case s.at.After(now.Add(most)):
		return early(s, now, most)
	case s.presigned && now.After(s.at.Add(s.expires)):
		return expired(s, now)
	case !s.presigned && s.at.Before(now.Add(-most)):
		return late(s, now, most)
	}
	return nil
}

// checkHeaders demands that the host and every x-amz- header is signed.
func (s *claim) checkHeaders(r *http.Request) *Refusal {
	if !slices.Contains(s.headers, "host") {
		return unsigned("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.headers, lower) && (!s.presigned || lower != strings.ToLower(contentHash)) {
			return unsigned("There were headers present in the request which were not signed: " + lower)
		}
	}
	return nil
}
