package injection

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What a fault of time adds that does not say how much.
const (
	addedToCall  = Duration(200 * time.Millisecond)
	addedToAfter = Duration(5 * time.Second) // to a notification or a result
)

// complete fills in what was left out.
func (f *Fault) complete() {
	switch {
	case f.Add != 0 || f.Times != 0:
	case f.Fault == Latency:
		f.Add = addedToCall
	case f.Fault == LateNotice, f.Fault == LateResult:
		f.Add = addedToAfter
	}
}

// check says what is wrong with a fault as it was sent.
func (f *Fault) check(k Kind) error {
	if err := f.checkMembers(k); err != nil {
		return err
	}
	switch {
	case f.Count < 0:
		return fmt.Errorf("count: %d is less than 0; use 0 for no limit", f.Count)
	case f.Times != 0 && f.Times <= 1:
		return fmt.Errorf("times: %g is not more than 1; a call cannot take less", f.Times)
	case f.Fault == ModelError && f.Status != 0 && (f.Status < 300 || f.Status > 599):
		return fmt.Errorf("status: %d is not between 300 and 599", f.Status)
	case f.Fault == StorageError && f.Status != 0 && f.Status != 500 && f.Status != 503:
		return fmt.Errorf("status: %d is none of s3_error; use 500 (InternalError) or 503 (SlowDown)", f.Status)
	case f.Code != "" && f.Code != StreamBroken && f.Code != StreamTimeExceeded:
		return fmt.Errorf("code: %q is none of stream_error; use %s or %s", f.Code, StreamBroken, StreamTimeExceeded)
	}
	return f.Match.check(f)
}

// checkMembers refuses what a kind does not look at.
func (f *Fault) checkMembers(k Kind) error {
	set := []string{}
	for name, given := range map[string]bool{"status": f.Status != 0, "body": f.Body != "", "add": f.Add != 0, "times": f.Times != 0, "code": f.Code != ""} {
		if given && !slices.Contains(k.Reads, name) {
			set = append(set, name)
		}
	}
	if len(set) > 0 {
		return fmt.Errorf("%s: %s does not look at it; leave it out, or use %s", slices.Min(set), k.Name, kindsWith(func(k Kind) []string { return k.Reads }, slices.Min(set)))
	}
	for _, name := range f.Match.members() {
		if !slices.Contains(k.Match, name) {
			return fmt.Errorf("match.%s: %s does not look at it; leave it out, or use %s", name, k.Name, kindsWith(func(k Kind) []string { return k.Match }, name))
		}
	}
	if o := f.Match.Operation; o != "" && o != "*" && !slices.Contains(f.operations, o) {
		return fmt.Errorf("match.operation: %q has no fault %s; use %s", o, f.Fault, strings.Join(f.operations, " or "))
	}
	return nil
}

// kindsWith are the kinds that look at a member.
func kindsWith(of func(Kind) []string, member string) string {
	var names []string
	for _, k := range Kinds {
		if slices.Contains(of(k), member) {
			names = append(names, k.Name)
		}
	}
	return strings.Join(names, ", ")
}

// members are those that were given, in the order of Match.
func (m *Match) members() []string {
	var names []string
	for _, member := range []struct {
		name  string
		given bool
	}{
		{"operation", m.Operation != ""}, {"endpoint", m.Endpoint != ""}, {"variant", m.Variant != ""}, {"target_variant", m.TargetVariant != ""},
		{"instance", m.Instance != 0}, {"inference_id", m.InferenceID != ""}, {"body", m.Body != nil}, {"topic", m.Topic != ""}, {"bucket", m.Bucket != ""},
		{"region", m.Region != ""}, {"account", m.Account != ""}, {"percent", m.Percent != 0},
	} {
		if member.given {
			names = append(names, member.name)
		}
	}
	return names
}

var (
	regionForm  = regexp.MustCompile(`^(\*|[a-z][a-z0-9-]{0,31})$`)
	accountForm = regexp.MustCompile(`^(\*|[0-9]{12})$`)
)

func (m *Match) check(f *Fault) error {
	switch {
	case m.Percent < 0 || m.Percent > 100:
		return fmt.Errorf("match.percent: %g is not between 0 and 100", m.Percent)
	case m.Instance < 0:
		return fmt.Errorf("match.instance: %d is less than 1", m.Instance)
	case m.Region != "" && !regionForm.MatchString(m.Region):
		return fmt.Errorf("match.region: %q is no region; write it as clients sign it, for example us-east-1", m.Region)
	case m.Account != "" && !accountForm.MatchString(m.Account):
		return fmt.Errorf("match.account: %q is no account; write its 12 digits", m.Account)
	case m.Operation == InvokeAsync && m.TargetVariant != "":
		return errors.New("match.target_variant: an asynchronous request names no variant; leave it out, or match the variant that is chosen when its model is asked")
	case m.Operation == InvokeAsync && slices.Contains(Submission, f.Fault) && (m.Instance != 0 || m.Variant != ""):
		return fmt.Errorf("match: %s hits an asynchronous request when it is submitted, before a variant and an instance are chosen; leave out variant and instance, or use %s", f.Fault, strings.Join(InTheModel, ", "))
	}
	if m.Body == nil {
		return nil
	}
	return m.Body.check()
}

// maxMatched bounds what is looked for in bodies.
const maxMatched = 64 << 10

func (b *Body) check() error {
	_, readable := decoded(b.Equals)
	switch {
	case (b.Contains == "") == (b.Pointer == nil):
		return errors.New(`match.body: give either "contains":"TEXT" or "pointer":"/a/0" with "equals":VALUE`)
	case b.Pointer == nil && b.Equals != nil:
		return errors.New(`match.body.equals: it is compared with the value at a pointer; give "pointer":"/a/0" too`)
	case b.Pointer != nil && !readable:
		return errors.New(`match.body.pointer: it needs "equals":VALUE, the JSON value to compare with`)
	case b.Pointer != nil && *b.Pointer != "" && !strings.HasPrefix(*b.Pointer, "/"):
		return fmt.Errorf(`match.body.pointer: %q is no JSON pointer; write "/a/0" for the first of the list a, or "" for the whole body`, *b.Pointer)
	case len(b.Contains)+len(b.Equals) > maxMatched:
		return fmt.Errorf("match.body: it is longer than %d bytes; a shorter part will do", maxMatched)
	}
	return nil
}
