package metrics

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// query is the Query protocol: a form in, XML out.
type query struct{ action string }

// operation is in the body, so request finds it; the URL may have it too.
func (q *query) operation(r *http.Request) string {
	if q.action == "" {
		q.action = r.URL.Query().Get("Action")
	}
	return q.action
}

// request turns MetricData.member.1.MetricName=… into JSON; every value stays a text.
func (q *query) request(body []byte) ([]byte, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, malformed(err)
	}
	q.action = form.Get("Action")
	root := branch{}
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if name == "Action" || name == "Version" || form.Get(name) == "" {
			continue
		}
		if err := root.put(name, form.Get(name)); err != nil {
			return nil, malformed(err)
		}
	}
	plain, err := root.plain()
	if err != nil {
		return nil, malformed(err)
	}
	return json.Marshal(plain)
}

// branch is a part of a form, by the next word of the names: texts and branches.
type branch map[string]any

// maxDepth is more than any name of CloudWatch has words.
const maxDepth = 32

func (b branch) put(name, value string) error {
	words := strings.Split(name, ".")
	if len(words) > maxDepth {
		return fmt.Errorf("%s has more than %d parts", name, maxDepth)
	}
	at := b
	for _, w := range words[:len(words)-1] {
		next, ok := at[w]
		if !ok {
			next = branch{}
			at[w] = next
		}
		if at, ok = next.(branch); !ok {
			return fmt.Errorf("%s is below a value", name)
		}
	}
	last := words[len(words)-1]
	if _, taken := at[last]; taken {
		return fmt.Errorf("%s is a value and has parts", name)
	}
	at[last] = value
	return nil
}

// plain makes lists of what is below "member".
func (b branch) plain() (any, error) {
	if members, ok := b["member"].(branch); ok && len(b) == 1 {
		return members.list()
	}
	m := make(map[string]any, len(b))
	for name, v := range b {
		if below, ok := v.(branch); ok {
			var err error
			if v, err = below.plain(); err != nil {
				return nil, err
			}
		}
		m[name] = v
	}
	return m, nil
}

func (b branch) list() ([]any, error) {
	numbers := make([]int, 0, len(b))
	for word := range b {
		n, err := strconv.Atoi(word)
		if err != nil || strconv.Itoa(n) != word {
			return nil, fmt.Errorf("member.%s is not numbered", word)
		}
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	l := make([]any, len(numbers))
	for i, n := range numbers {
		l[i] = b[strconv.Itoa(n)]
		if below, ok := l[i].(branch); ok {
			var err error
			if l[i], err = below.plain(); err != nil {
				return nil, err
			}
		}
	}
	return l, nil
}

const (
	// Version is how forms of CloudWatch say that they are.
	Version  = "2010-08-01"
	xmlSpace = "http://monitoring.amazonaws.com/doc/" + Version + "/"
	xmlType  = "text/xml"
)

func (q *query) answer(w http.ResponseWriter, operation string, a object) error {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<%sResponse xmlns="%s">`, operation, xmlSpace)
	if len(a) > 0 {
		element(&out, operation+"Result", a)
	}
	fmt.Fprintf(&out, `<ResponseMetadata><RequestId>%s</RequestId></ResponseMetadata></%sResponse>`, reply.ID(), operation)
	w.Header().Set("Content-Type", xmlType)
	_, err := w.Write(out.Bytes())
	return err
}

// entries are the members whose objects are maps of the model, not structures.
const entries = "ExtendedStatistics"

// element writes <name>v</name>.
func element(out *bytes.Buffer, name string, v any) {
	fmt.Fprintf(out, "<%s>", name)
	switch v := v.(type) {
	case object:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			if name == entries {
				out.WriteString("<entry>")
				element(out, "key", member)
				element(out, "value", v[member])
				out.WriteString("</entry>")
				continue
			}
			element(out, member, v[member])
		}
	case []any:
		for _, member := range v {
			element(out, "member", member)
		}
	case float64:
		out.WriteString(strconv.FormatFloat(v, 'g', -1, 64))
	case reply.Time:
		out.WriteString(v.UTC().Format("2006-01-02T15:04:05.000Z"))
	default:
		_ = xml.EscapeText(out, fmt.Append(nil, v)) // a buffer takes everything
	}
	fmt.Fprintf(out, "</%s>", name)
}

func (q *query) refuse(w http.ResponseWriter, e *reply.Error) {
	var out bytes.Buffer
	fmt.Fprintf(&out, `<ErrorResponse xmlns="%s">`, xmlSpace)
	element(&out, "Error", object{"Type": side(e), "Code": queryCode(e.Type), "Message": e.Text})
	element(&out, "RequestId", reply.ID())
	out.WriteString("</ErrorResponse>")
	w.Header().Set("Content-Type", xmlType)
	w.WriteHeader(e.Status)
	_, _ = w.Write(out.Bytes()) // the caller may have gone
}

// stamp is a moment in texts.
func stamp(t time.Time) string { return t.UTC().Format("02/01/06 15:04:05") }
