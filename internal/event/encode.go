package event

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendPrediction appends the JSON of p, format 1, with the stages of t in
// the order of the journey. LatencyUS and StagesUS of p are not looked at: they
// are what t says. Include holds what encoding/json can write. The bytes equal those of encoding/json but for that order.
func AppendPrediction(b []byte, p *Prediction, t *Timeline) []byte {
	b = appendString(append(b, `{"id":`...), p.ID)
	b = appendString(append(b, `,"key":`...), p.Key)
	b = appendString(append(b, `,"status":`...), p.Status)
	b = append(append(b, `,"prediction":`...), p.Prediction...)
	b = appendModel(append(b, `,"model":`...), &p.Model)
	b = appendString(append(b, `,"cache":`...), p.Cache)
	b = strconv.AppendInt(append(b, `,"batch":`...), int64(p.Batch), 10)
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(p.Attempts), 10)
	if p.EventTime != nil {
		b = appendTime(append(b, `,"event_time":`...), *p.EventTime)
	}
	b = appendTime(append(b, `,"received":`...), p.Received)
	if p.Deadline != nil {
		b = appendTime(append(b, `,"deadline":`...), *p.Deadline)
	}
	b = strconv.AppendBool(append(b, `,"late":`...), p.Late)
	b = strconv.AppendInt(append(b, `,"latency_us":`...), t.Total().Microseconds(), 10)
	b = append(b, `,"stages_us":{`...)
	b = t.appendStages(b)
	b = append(b, '}')
	if len(p.Include) > 0 {
		if include, err := json.Marshal(p.Include); err == nil {
			b = append(append(b, `,"include":`...), include...)
		}
	}
	return append(b, '}')
}

// appendStages appends "gateway":120,"produce":900,…
func (t *Timeline) appendStages(b []byte) []byte {
	first := true
	for s := range Stage(NumStages) {
		if t.seen&(1<<s) == 0 {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(append(append(b, '"'), stageNames[s]...), `":`...)
		b = strconv.AppendInt(b, t.spent[s], 10)
	}
	return b
}

func appendModel(b []byte, m *ModelRef) []byte {
	b = appendString(append(b, `{"name":`...), m.Name)
	b = appendString(append(b, `,"endpoint":`...), m.Endpoint)
	if m.Variant != "" {
		b = appendString(append(b, `,"variant":`...), m.Variant)
	}
	if m.Version != "" {
		b = appendString(append(b, `,"version":`...), m.Version)
	}
	return append(b, '}')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r)
			i += n
			continue
		}
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			b = append(b, c)
		}
		i++
	}
	return append(b, '"')
}
