package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/smithy-go/encoding/cbor"

	"betimes/internal/lab/emulator/reply"
)

// binary is Smithy RPC v2 with CBOR.
type binary struct{}

func (binary) operation(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, PathPrefix) }

func (binary) request(body []byte) ([]byte, error) {
	if len(body) == 0 {
		return []byte("{}"), nil
	}
	v, err := cbor.Decode(body)
	if err != nil {
		return nil, malformed(err)
	}
	plain, err := unpack(v)
	if err != nil {
		return nil, malformed(err)
	}
	out, err := json.Marshal(plain)
	if err != nil {
		return nil, malformed(err)
	}
	return out, nil
}

// epochTag marks seconds since 1970.
const epochTag = 1

// unpack turns CBOR into what encoding/json writes.
func unpack(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.Map:
		m := make(map[string]any, len(v))
		for name, member := range v {
			if absent(member) {
				continue
			}
			plain, err := unpack(member)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m[name] = plain
		}
		return m, nil
	case cbor.List:
		l := make([]any, len(v))
		for i, member := range v {
			plain, err := unpack(member)
			if err != nil {
				return nil, fmt.Errorf("%d: %w", i, err)
			}
			l[i] = plain
		}
		return l, nil
	case *cbor.Tag:
		if v.ID != epochTag {
			return nil, fmt.Errorf("tag %d is not known", v.ID)
		}
		return unpack(v.Value)
	}
	return scalar(v)
}

func absent(v cbor.Value) bool {
	switch v.(type) {
	case *cbor.Nil, *cbor.Undefined:
		return true
	}
	return false
}

func scalar(v cbor.Value) (any, error) {
	switch v := v.(type) {
	case cbor.String:
		return string(v), nil
	case cbor.Bool:
		return bool(v), nil
	case cbor.Uint:
		return uint64(v), nil
	case cbor.NegInt:
		return -float64(v), nil
	case cbor.Float32:
		return number(v), nil
	case cbor.Float64:
		return number(v), nil
	}
	return nil, fmt.Errorf("a value of type %T is not expected", v)
}

func (binary) answer(w http.ResponseWriter, _ string, a object) error {
	return writeBinary(w, http.StatusOK, a)
}

func (binary) refuse(w http.ResponseWriter, e *reply.Error) {
	w.Header().Set("X-Amzn-Query-Error", queryCode(e.Type)+";"+side(e))
	_ = writeBinary(w, e.Status, object{"__type": "com.amazonaws.cloudwatch#" + e.Type, "message": e.Text, "Message": e.Text}) // the caller may have gone
}

func writeBinary(w http.ResponseWriter, status int, a object) error {
	packed, err := pack(a)
	if err != nil {
		return err
	}
	body := cbor.Encode(packed)
	h := w.Header()
	h.Set("Content-Type", "application/cbor")
	h.Set("Smithy-Protocol", "rpc-v2-cbor")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// pack turns an answer into CBOR.
func pack(v any) (cbor.Value, error) {
	switch v := v.(type) {
	case object:
		m := make(cbor.Map, len(v))
		for name, member := range v {
			packed, err := pack(member)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			m[name] = packed
		}
		return m, nil
	case []any:
		l := make(cbor.List, len(v))
		for i, member := range v {
			packed, err := pack(member)
			if err != nil {
				return nil, err
			}
			l[i] = packed
		}
		return l, nil
	case string:
		return cbor.String(v), nil
	case bool:
		return cbor.Bool(v), nil
	case int:
		if v < 0 {
			return cbor.NegInt(-v), nil
		}
		return cbor.Uint(v), nil
	case float64:
		return cbor.Float64(v), nil
	case reply.Time:
		return &cbor.Tag{ID: epochTag, Value: cbor.Float64(math.Round(float64(v.UnixMilli())) / 1000)}, nil
	}
	return nil, fmt.Errorf("no form in CBOR for %T", v)
}
