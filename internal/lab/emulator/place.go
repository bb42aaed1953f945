package emulator

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// place is where resources live: an account in a region.
type place struct{ account, region string }

// home is the place of requests that name no other.
var home = place{account: "000000000000", region: "us-east-1"}

// String gives ACCOUNT/REGION.
func (p place) String() string { return p.account + "/" + p.region }

// regionForm is wider than AWS's own names: clients use local, auto and the like.
var regionForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// credential is KEY/DATE/REGION/SERVICE/aws4_request of a signature.
type credential struct{ key, region, service string }

// credentialOf reads the header Authorization or a presigned URL; the zero one is of an unsigned request.
func credentialOf(r *http.Request) credential {
	text := ""
	if h := r.Header["Authorization"]; len(h) > 0 {
		_, after, found := strings.Cut(h[0], "Credential=")
		if !found {
			return credential{}
		}
		text, _, _ = strings.Cut(after, ",")
	} else if r.URL.RawQuery != "" && strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		text = r.URL.Query().Get("X-Amz-Credential")
	}
	rest, ok := strings.CutSuffix(text, "/aws4_request")
	if !ok {
		return credential{}
	}
	var c credential
	rest, c.service = cutLast(rest)
	rest, c.region = cutLast(rest)
	c.key, _ = cutLast(rest)
	return c
}

// cutLast cuts after the last slash; without one all is the last part.
func cutLast(text string) (before, last string) {
	at := strings.LastIndexByte(text, '/')
	return text[:max(at, 0)], text[at+1:]
}

// place is where the signer is: a 12-digit access key is an account.
func (c credential) place() place {
	p := place{home.account, cmp.Or(c.region, home.region)}
	if isAccount(c.key) {
		p.account = c.key
	}
	return p
}

func isAccount(key string) bool {
	return len(key) == len(home.account) && strings.Trim(key, "0123456789") == ""
}

// linked is the place of an unsigned link in a notification, which has the ARN of a topic or subscription.
func linked(r *http.Request) place {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.RawQuery, "Arn=") {
		return home
	}
	q, _ := url.ParseQuery(r.URL.RawQuery) // what cannot be read is no link
	if p, ok := placeOf(cmp.Or(q.Get("TopicArn"), q.Get("SubscriptionArn"))); ok {
		return p
	}
	return home
}

// placeOf reads arn:aws:SERVICE:REGION:ACCOUNT:….
func placeOf(arn string) (place, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || !regionForm.MatchString(parts[3]) || !isAccount(parts[4]) {
		return place{}, false
	}
	return place{account: parts[4], region: parts[3]}, true
}
