package sagemaker

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"betimes/internal/model"
)

// Headers of the runtime, as net/http spells them.
const (
	headerAttributes     = "X-Amzn-Sagemaker-Custom-Attributes"
	headerInferenceID    = "X-Amzn-Sagemaker-Inference-Id"
	headerTargetVariant  = "X-Amzn-Sagemaker-Target-Variant"
	headerTargetModel    = "X-Amzn-Sagemaker-Target-Model"
	headerComponent      = "X-Amzn-Sagemaker-Inference-Component"
	headerSession        = "X-Amzn-Sagemaker-Session-Id"
	headerInvokedVariant = "X-Amzn-Invoked-Production-Variant"
	headerErrorType      = "X-Amzn-Errortype"
)

const maxInferenceID = 64

// header makes the headers of one invocation, the signature's excepted.
func (e *Endpoint) header(r *model.Request) http.Header {
	h := make(http.Header, 8)
	h["User-Agent"] = []string{"betimes"}
	if r.ContentType != "" {
		h["Content-Type"] = []string{r.ContentType}
		if name := e.operation.contentType; name != "" {
			h[name] = h["Content-Type"]
		}
	}
	if r.Accept != "" {
		h[e.operation.accept] = []string{r.Accept}
	}
	if a := attributes(r); a != "" {
		h[headerAttributes] = []string{a}
	}
	if r.InferenceID != "" {
		h[headerInferenceID] = []string{inferenceID(r.InferenceID)}
	}
	for _, t := range e.targets {
		h[t.header] = t.value
	}
	return h
}

// target is a part of the endpoint that alone is asked.
type target struct {
	header string
	value  []string // only read
}

func targetsOf(c Config) []target {
	var all []target
	for _, t := range []struct{ header, value string }{
		{headerTargetVariant, c.Variant}, {headerTargetModel, c.TargetModel}, {headerComponent, c.Component}, {headerSession, c.Session},
	} {
		if t.value != "" {
			all = append(all, target{t.header, []string{t.value}})
		}
	}
	return all
}

// attributes tells the container the tightest deadline, the trace and how many
// events it is asked about.
func attributes(r *model.Request) string {
	buf := make([]byte, 0, 128)
	if d := r.Deadline(); !d.IsZero() {
		buf = append(buf, "betimes-deadline="...)
		buf = strconv.AppendInt(buf, d.UnixMicro(), 10)
	}
	if len(r.Items) > 1 {
		buf = append(separated(buf), "batch="...)
		buf = strconv.AppendInt(buf, int64(len(r.Items)), 10)
	} else if e := r.Items[0].Event; e != nil {
		if trace := e.Header("traceparent"); isTrace(trace) {
			buf = append(separated(buf), "traceparent="...)
			buf = append(buf, trace...)
		}
	}
	return string(buf)
}

func separated(buf []byte) []byte {
	if len(buf) > 0 {
		buf = append(buf, ';')
	}
	return buf
}

// isTrace: a W3C traceparent of version 00, so that nothing else gets into a header.
func isTrace(trace []byte) bool {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(trace) != length {
		return false
	}
	for _, c := range trace {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c == '-') {
			return false
		}
	}
	return true
}

// inferenceID is the id itself, or a digest of one that no header can carry.
func inferenceID(id string) string {
	good := len(id) <= maxInferenceID
	for i := 0; good && i < len(id); i++ {
		good = id[i] > ' ' && id[i] < 0x7f
	}
	if good {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// readAttributes takes q=<ms>;c=<ms>, the container's own queueing and
// computing time. More than the whole exchange is not believed.
func readAttributes(t *model.Times, attributes string) {
	var queue, compute time.Duration
	said := false
	for pair := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		ms, err := strconv.ParseFloat(value, 64)
		if err != nil || !(ms >= 0 && ms < 1e9) {
			continue
		}
		d := time.Duration(ms * float64(time.Millisecond))
		switch name {
		case "q":
			queue = d
		case "c":
			compute, said = d, true
		}
	}
	if said && queue+compute <= t.Total {
		t.Queue, t.Compute, t.Server = queue, compute, true
	}
}
