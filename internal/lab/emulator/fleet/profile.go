package fleet

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// profile is a model that takes time and knows nothing: its service times are
// lognormal with the given median and 99th percentile, plus a cost per record.
// Its score is a hash of the record, so the same record has the same answer in
// any batch.
type profile struct {
	inProcess
	mu, sigma float64 // of the logarithm of seconds
	perRecord time.Duration
}

// z99 is the 99th percentile of the standard normal distribution.
const z99 = 2.3263478740408408

// newProfile reads p50=8ms&p99=40ms&workers=2&per_record=100us.
func newProfile(query string, workers int) (*profile, error) {
	q, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("builtin:profile?%s: %w", query, err)
	}
	p50, p99 := 8*time.Millisecond, time.Duration(0)
	p := &profile{inProcess: inProcess{workers}}
	for name, values := range q {
		var err error
		switch value := values[0]; name {
		case "p50":
			p50, err = positive(value)
		case "p99":
			p99, err = positive(value)
		case "per_record":
			p.perRecord, err = time.ParseDuration(value)
		case "workers":
			if p.workers, err = strconv.Atoi(value); err == nil && (p.workers < 1 || p.workers > 10000) {
				err = fmt.Errorf("%q is not between 1 and 10000", value)
			}
		default:
			err = fmt.Errorf("is not known; use p50, p99, per_record, workers")
		}
		if err != nil {
			return nil, fmt.Errorf("builtin:profile?%s: %s: %w", query, name, err)
		}
	}
	if p99 == 0 {
		p99 = p50
	}
	if p99 < p50 {
		return nil, fmt.Errorf("builtin:profile?%s: p99 of %s is less than p50 of %s; raise it", query, p99, p50)
	}
	p.mu = math.Log(p50.Seconds())
	p.sigma = (math.Log(p99.Seconds()) - p.mu) / z99
	return p, nil
}

// Median reads the query of builtin:profile as endpoints do, and tells its p50.
func Median(query string) (time.Duration, error) {
	p, err := newProfile(query, 1)
	if err != nil {
		return 0, err
	}
	return time.Duration(math.Round(math.Exp(p.mu) * float64(time.Second))), nil
}

func positive(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = fmt.Errorf("%s is not more than 0s", text)
	}
	return d, err
}

// Invoke takes its time and answers one score per record.
func (p *profile) Invoke(ctx context.Context, call *Call) (Answer, error) {
	records := records(call)
	normal := rand.NormFloat64
	if call.Chance != nil {
		normal = call.Chance.NormFloat64
	}
	d := time.Duration(math.Exp(p.mu+p.sigma*normal())*float64(time.Second)) + time.Duration(len(records)-1)*p.perRecord
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	}
	answer := scores(call, records)
	answer.Scripted = d
	return answer, nil
}

// records splits a body: lines of CSV and JSON lines, instances of JSON.
func records(call *Call) [][]byte {
	body := bytes.TrimSpace(call.Body)
	if kind, _, _ := strings.Cut(call.ContentType, ";"); strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		if list := instances(body); len(list) > 0 {
			return list
		}
		return [][]byte{body}
	}
	return bytes.Split(body, []byte("\n"))
}

// scores writes an answer in the form the caller accepts: CSV or JSON.
func scores(call *Call, records [][]byte) Answer {
	values := make([]float64, len(records))
	for i, r := range records {
		h := fnv.New64a()
		_, _ = h.Write(bytes.TrimSpace(r))
		values[i] = float64(h.Sum64()>>11) / (1 << 53)
	}
	if strings.Contains(call.Accept, "json") || call.Accept == "" && strings.Contains(call.ContentType, "json") {
		return Answer{Status: http.StatusOK, ContentType: "application/json", Body: appendPredictions(call.Out[:0], values, nil)}
	}
	return Answer{Status: http.StatusOK, ContentType: "text/csv; charset=utf-8", Body: appendLines(call.Out[:0], values)}
}
