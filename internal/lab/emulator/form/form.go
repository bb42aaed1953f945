package form

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// Form is a request; a part of it is a Form with shorter names.
type Form map[string]string

// MaxBytes is more than any request of a Query service: SNS and SQS take 256 KB, escaped.
const MaxBytes = 1 << 20

// Read takes the form of a request: of its body, else of its URL.
func Read(r *http.Request) (Form, error) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		body, err := io.ReadAll(io.LimitReader(r.Body, MaxBytes+1))
		if err != nil {
			return nil, malformed(err)
		}
		if len(body) > MaxBytes {
			return nil, malformed(fmt.Errorf("the request is larger than %d bytes", MaxBytes))
		}
		text = string(body)
	}
	return Parse(text)
}

// Peek reads the form of a body and leaves the body as it was; what is no form is empty.
func Peek(r *http.Request) Form {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBytes+1))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), r.Body), r.Body}
	if err != nil {
		return Form{}
	}
	f, err := Parse(string(body))
	if err != nil {
		return Form{}
	}
	return f
}

// Parse reads a form; the first value of a name counts.
func Parse(text string) (Form, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, malformed(err)
	}
	f := make(Form, len(values))
	for name, all := range values {
		f[name] = all[0]
	}
	return f, nil
}

func malformed(err error) error {
	return &reply.Error{Status: http.StatusBadRequest, Type: "MalformedQueryString", Text: err.Error()}
}

// List is prefix.1, prefix.2, ….
func (f Form) List(prefix string) []string {
	var all []string
	for {
		v, ok := f[prefix+"."+strconv.Itoa(len(all)+1)]
		if !ok {
			return all
		}
		all = append(all, v)
	}
}

// Parts is what is below prefix.1, prefix.2, …, each as a Form of its own.
func (f Form) Parts(prefix string) []Form {
	below := map[string]Form{}
	for name, v := range f {
		rest, ok := strings.CutPrefix(name, prefix+".")
		number, member, deep := strings.Cut(rest, ".")
		if !ok || !deep {
			continue
		}
		if below[number] == nil {
			below[number] = Form{}
		}
		below[number][member] = v
	}
	var all []Form
	for {
		part, ok := below[strconv.Itoa(len(all)+1)]
		if !ok {
			return all
		}
		all = append(all, part)
	}
}

// Pairs is a map of the model: prefix.1.key and prefix.1.value, whatever the two are called.
func (f Form) Pairs(prefix, key, value string) map[string]string {
	parts := f.Parts(prefix)
	if len(parts) == 0 {
		return nil
	}
	all := make(map[string]string, len(parts))
	for _, p := range parts {
		all[p[key]] = p[value]
	}
	return all
}
