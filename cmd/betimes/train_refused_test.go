package main

import (
	"errors"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// refusing answers an operation as AWS refuses it, in the words of its service.
func (c *cloud) refusing(operations string, status int, name, message string) func(w http.ResponseWriter, r *http.Request) {
	which := regexp.MustCompile("^(" + operations + ")$")
	return func(w http.ResponseWriter, r *http.Request) {
		if !which.MatchString(operation(r)) {
			c.next.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		if r.Header.Get("X-Amz-Target") != "" {
			_, _ = io.WriteString(w, `{"__type":"`+name+`","message":"`+message+`"}`)
		} else if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, "<Error><Code>"+name+"</Code><Message>"+message+"</Message></Error>")
		}
	}
}

func TestWhatKeepsATrainingFromBeginningIsOneMessageAndLeavesNothing(t *testing.T) {
	c := newCloud(t)
	dir := lessonFiles(t, c.url)
	none := []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY="}
	set := func(value string) []string { return []string{"--set", "models.m.train." + value} }
	for _, tt := range []struct {
		name  string
		env   []string
		flags []string
		door  func(http.ResponseWriter, *http.Request)
		code  int
		want  string
	}{
		{"no credentials", none, []string{"--set", "aws.endpoint_url=https://127.0.0.1:1"}, nil, 1, `aws: .*no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role`},
		{"no credentials for an emulator that asks for some", none, nil, nil, 1, `aws: .*InvalidAccessKeyId: .*there is no such access key; check AWS_ACCESS_KEY_ID`},
		{"a profile that is not there", []string{"AWS_PROFILE=nowhere"}, nil, nil, 1, `aws: .*correct it, or aws\.profile or AWS_PROFILE: .*nowhere`},
		{"an unknown access key", []string{"AWS_ACCESS_KEY_ID=TWO"}, nil, nil, 1, `aws: .*there is no such access key`},
		{"a wrong secret key", []string{"AWS_SECRET_ACCESS_KEY=second"}, nil, nil, 1, `aws: .*the secret key is not that of the access key; check AWS_SECRET_ACCESS_KEY`},
		{"a wrong session token", []string{"AWS_SESSION_TOKEN=old"}, nil, nil, 1, `aws: .*the session token is not that of the access key; check AWS_SESSION_TOKEN`},
		{"a token that has expired", nil, nil, c.refusing("GET .*", 400, "ExpiredToken", "The provided token has expired."), 1, `aws: .*ExpiredToken: .*the credentials have expired; get new ones, for example with aws sso login`},
		{"a region that is not one", nil, []string{"--set", "models.m.sagemaker.region=moon"}, nil, 2, `models\.m\.sagemaker\.region: "moon" is not a region`},
		{"a bucket in another region", nil, nil, c.refusing("HEAD .*", 301, "PermanentRedirect", ""), 1, `aws\.bucket: betimes is in another region than us-east-1; name one of this region, or set aws\.region`},
		{"a bucket of somebody else's", nil, nil, c.refusing("(GET|HEAD) .*", 403, "AccessDenied", "Access Denied"), 1, `aws\.bucket: betimes may not be used, or is somebody else's; name a bucket of yours`},
		{"a bucket that may not be made", nil, nil, c.refusing("PUT /other-bucket", 403, "AccessDenied", "Access Denied"), 1, `aws\.bucket: other-bucket may not be used`},
		{"a role that cannot be assumed", nil, nil, c.refusing("CreateTrainingJob", 400, "ValidationException", "Could not assume role arn:aws:iam::1:role/x. Please ensure that the role exists"), 1, `aws\.role: arn:aws:iam::000000000000:role/betimes cannot be used; name a role of this account`},
		{"a role that may not be passed", nil, nil, c.refusing("CreateTrainingJob", 400, "AccessDeniedException", "User: u is not authorized to perform: iam:PassRole on resource: r"), 1, `aws\.role: .* that you may pass`},
		{"a job that may not be made", nil, nil, c.refusing("CreateTrainingJob", 400, "ResourceLimitExceeded", "The account-level service limit is 0. Please use AWS Service Quotas to request an increase"), 1, `models\.m\.train: CreateTrainingJob: ResourceLimitExceeded: .*request an increase`},
		{"nobody there", nil, []string{"--set", "aws.endpoint_url=http://127.0.0.1:1"}, nil, 1, `aws\.endpoint_url: nothing answers; start what is there \(betimes emulate\), or correct the URL`},
		{"a file that is not there", nil, set("data=absent.csv"), nil, 1, `models\.m\.train\.data: there is no file absent\.csv here; name a CSV or NDJSON file`},
		{"an empty file", nil, set("data=empty.csv"), nil, 1, `models\.m\.train\.data: .*empty\.csv is empty`},
		{"a cell that is no number", nil, set("data=broken.csv"), nil, 1, `models\.m\.train\.data: .*broken\.csv line 62: column a is not a number`},
		{"a row with too many cells", nil, set("data=ragged.csv"), nil, 1, `models\.m\.train\.data: .*ragged\.csv: record on line 62: wrong number of fields`},
		{"a line that is no object", nil, set("data=broken.ndjson"), nil, 1, `models\.m\.train\.data: .*broken\.ndjson: line 2 is not a JSON object`},
		{"no such label", nil, set("label=z"), nil, 2, `models\.m\.train\.label: .*good\.csv has no column z; it has y, a`},
		{"one class only", nil, set("data=one.csv"), nil, 1, `models\.m\.train\.data: .*one\.csv: the \d+ rows left to train with are all of class 0, none of class 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.watch(tt.door)
			cmd := betimes(t.Context(), dir, tt.env, append([]string{"train", "m.yaml"}, tt.flags...)...)
			if strings.Contains(tt.want, "other-bucket") {
				cmd.Args = append(cmd.Args, "--set", "aws.bucket=other-bucket")
			}
			var told strings.Builder
			cmd.Stderr = &told
			out, err := cmd.Output()
			exit, _ := errors.AsType[*exec.ExitError](err)
			if exit == nil || exit.ExitCode() != tt.code || len(out) > 0 {
				t.Fatalf("%v, stdout %q, stderr:\n%s", err, out, told.String())
			}
			var messages []string
			for line := range strings.Lines(told.String()) {
				if !strings.HasPrefix(line, "  model m: ") { // how far it was
					messages = append(messages, line)
				}
			}
			if len(messages) != 1 || !regexp.MustCompile("^betimes: .*"+tt.want).MatchString(messages[0]) {
				t.Errorf("got\n%s\nwant one line with %s", told.String(), tt.want)
			}
			c.watch(nil)
			if h := c.holds(t); !h.nothing() {
				t.Errorf("left: %+v", h)
			}
			c.ask(t, http.MethodPost, "/_emu/reset")
		})
	}
}
