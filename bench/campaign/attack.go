package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// Where an input must end: the answer of the gateway, then the topic and the
// reason code.
const (
	ends202         = "202"
	endsPredicted   = topicPredictions
	endsUndecodable = topicDeadLetters + " " + string(event.ReasonUndecodable)
	endsFeature     = topicDeadLetters + " " + string(event.ReasonFeature)
)

// attack is one hostile input. Its id is the n-th of the run.
type attack struct {
	kind   string
	body   []byte
	header http.Header // of the request; nil: it goes straight into the topic
	record kafka.Record
	answer string // what the gateway must say: status and type of problem
	ends   string // where it must end; "" when it is not accepted
}

// hostility is one way to be hostile.
type hostility struct {
	name string
	make func(g *attacker) attack
}

// attacker makes inputs from a seed.
type attacker struct {
	*rand.Rand
	n      int
	oldest time.Time // of a record
}

// sound is an event that would be predicted; more members may be given.
func (g *attacker) sound(more string) string {
	return fmt.Sprintf(`{"card_token":"card-%d","amount":%d,"hour":%d%s}`, g.IntN(200), g.IntN(1000), g.IntN(24), more)
}

// bytes are random, without any that begins or ends JSON.
func (g *attacker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(0x80 + g.IntN(0x80))
	}
	return b
}

func (g *attacker) one(of ...string) string { return of[g.IntN(len(of))] }

// posted goes through the gateway as application/json.
func posted(body, answer, ends string, headers ...string) attack {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return attack{body: []byte(body), header: h, answer: answer, ends: ends}
}

// produced goes straight into the topic.
func produced(value, ends string, headers ...string) attack {
	r := kafka.Record{Topic: topicEvents, Partition: kafka.ByKey, Key: []byte("hostile"), Value: []byte(value)}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Headers = append(r.Headers, event.Header{Name: headers[i], Value: []byte(headers[i+1])})
	}
	return attack{record: r, ends: ends}
}

// With sizes near the limits, the few that are large.
const (
	gatewayMost = 1 << 20
	topicMost   = kafka.MaxEventBytes - 2000
	deepest     = 1_000_000
)

func (g *attacker) malformed() string {
	return g.one(`{"card_token":}`, `{"card_token":"a",}`, `{card_token:"a"}`, `{"a":1}}`, `{'a':1}`, `{"a" 1}`, `{"a":tru}`, "{\"a\":\"\x01\x02", `{"a":1}{"b":2}`, `{,}`, `{"a":"b"`)
}

// lax is what is no JSON in a way that only a look at the member shows.
func (g *attacker) lax() string {
	return g.one(`{"card_token":"lax","a":01}`, `{"card_token":"lax","a":"\x"}`, `{"card_token":"lax","a":+1}`, `{"card_token":"lax","a":.5}`, "{\"card_token\":\"lax\",\"a\":\"\x01\"}")
}

func (g *attacker) truncated() string {
	whole := g.sound("")
	return whole[:1+g.IntN(len(whole)-1)]
}

func (g *attacker) deep(levels int) string {
	return `{"card_token":"deep","amount":` + strings.Repeat("[", levels)
}

func (g *attacker) notNumber() string {
	return fmt.Sprintf(`{"card_token":"nan","hour":1,"amount":%s}`, g.one("NaN", "nan", "Infinity", "-Infinity", "inf", "-inf"))
}

func (g *attacker) wrongSchema() string {
	return fmt.Sprintf(`{"card_token":"wrong","hour":1,"amount":%s}`, g.one(`"much"`, `{}`, `[]`, `{"value":1}`, `[1]`, `1e999`, `-1e999`))
}

func (g *attacker) doubled() string {
	return `{"card_token":"twice","card_token":"other","amount":1,"amount":"text","hour":2,"hour":{}}`
}

func (g *attacker) negative() string {
	return fmt.Sprintf(`{"card_token":"minus","hour":-%d,"amount":%s}`, g.IntN(1000), g.one("-1", "-0", "-1e308", "-1e-320", "-9223372036854775809"))
}

func (g *attacker) padded(size int) string {
	head := g.sound("")
	head = head[:len(head)-1] + `,"pad":"`
	return head + strings.Repeat("x", size-len(head)-2) + `"}`
}

func zipped(n int) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(make([]byte, n)) // a buffer takes all
	_ = w.Close()
	return b.String()
}

// flood are headers of the given total size.
func flood(name string, count, size int) []string {
	var list []string
	for i := range count {
		list = append(list, fmt.Sprintf("%s-%d", name, i), strings.Repeat("f", size))
	}
	return list
}

// largeEvery is how many inputs there are to a large one.
const largeEvery = 100

// next makes an input; every other goes through the gateway.
func (g *attacker) next() attack {
	g.n++
	list := [2][2][]hostility{{posts, largePosts}, {writes, largeWrites}}[g.n%2][map[bool]int{true: 1}[g.n/2%largeEvery == 0]]
	k := list[g.IntN(len(list))]
	a := k.make(g)
	a.kind = k.name
	return a
}
