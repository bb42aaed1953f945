package gateway

import (
	"encoding/json"
	"net/http"
	"strconv"

	"betimes/internal/event"
)

var jsonType = []string{mediaJSON}

// appendAccepted appends {"id":…,"partition":…,"offset":…}; the id is printable ASCII.
func appendAccepted(b []byte, id string, src event.Source) []byte {
	return append(appendPlace(append(b, '{'), id, src), '}')
}

// appendPlace appends the members of appendAccepted.
func appendPlace(b []byte, id string, src event.Source) []byte {
	b = append(b, `"id":`...)
	b = strconv.AppendQuote(b, id)
	b = append(b, `,"partition":`...)
	b = strconv.AppendInt(b, int64(src.Partition), 10)
	b = append(b, `,"offset":`...)
	return strconv.AppendInt(b, src.Offset, 10)
}

// answers writes one status per event, as NDJSON or as one JSON array.
type answers struct {
	w     http.ResponseWriter
	array bool
	count int
	line  []byte
}

func (a *answers) begin() {
	media := mediaNDJSON
	if a.array {
		media = mediaJSON
	}
	a.w.Header().Set("Content-Type", media)
	a.w.WriteHeader(http.StatusOK)
	if a.array {
		a.write([]byte("["))
	}
}

func (a *answers) add(st *step, src event.Source) {
	b := a.line[:0]
	if a.array && a.count > 0 {
		b = append(b, ',')
	}
	b = append(b, `{"index":`...)
	b = strconv.AppendInt(b, int64(st.index), 10)
	if st.problem == nil {
		b = append(b, `,"status":202,`...)
		b = append(appendPlace(b, st.id, src), '}')
	} else {
		text, _ := json.Marshal(st.problem) // strings and a number cannot fail
		b = append(b, ',')
		if st.id != "" {
			b = append(b, `"id":`...)
			b = append(strconv.AppendQuote(b, st.id), ',')
		}
		b = append(b, text[1:]...)
	}
	if !a.array {
		b = append(b, '\n')
	}
	a.line = b
	a.count++
	a.write(b)
}

func (a *answers) end() {
	if a.array {
		a.write([]byte("]\n"))
	}
}

func (a *answers) write(b []byte) { _, _ = a.w.Write(b) } // the caller may have gone
