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

// posts are the ways through the gateway.
var posts = []hostility{
	{"malformed JSON", func(g *attacker) attack { return posted(g.malformed(), "400 not_json", "") }},
	{"lax JSON", func(g *attacker) attack { return posted(g.lax(), "400 not_json", "") }},
	{"truncated JSON", func(g *attacker) attack { return posted(g.truncated(), "400 not_json", "") }},
	{"binary", func(g *attacker) attack { return posted(string(g.bytes(1+g.IntN(2000))), "400 not_json", "") }},
	{"0xFF", func(g *attacker) attack { return posted(strings.Repeat("\xff", 1+g.IntN(100)), "400 not_json", "") }},
	{"invalid UTF-8", func(g *attacker) attack {
		return posted(g.sound(`,"name":"`+string(g.bytes(7))+`"`), "400 not_utf8", "")
	}},
	{"NaN and Infinity", func(g *attacker) attack { return posted(g.notNumber(), "400 not_json", "") }},
	{"null or absent key", func(g *attacker) attack {
		return posted(g.one(`{"card_token":null,"amount":1}`, `{"amount":1}`, `{"card_token":{},"amount":1}`, `{"card_token":"","amount":1}`, `{"card_token":[1]}`), "400 no_key", "")
	}},
	{"empty", func(g *attacker) attack { return posted(g.one("", " ", "\r\n\t"), "400 empty", "") }},
	{"an array", func(g *attacker) attack { return posted("["+g.sound("")+"]", "400 array", "") }},
	{"byte order mark", func(g *attacker) attack { return posted("\xef\xbb\xbf"+g.sound(""), "400 byte_order_mark", "") }},
	{"duplicate keys", func(g *attacker) attack { return posted(g.doubled(), ends202, endsPredicted) }},
	{"negative numbers", func(g *attacker) attack { return posted(g.negative(), ends202, endsPredicted) }},
	{"wrong schema", func(g *attacker) attack { return posted(g.wrongSchema(), ends202, endsFeature) }},
	{"bytes with X-Key", func(g *attacker) attack {
		return posted(string(g.bytes(100)), ends202, endsUndecodable, "Content-Type", "application/octet-stream", "X-Key", "raw")
	}},
	{"bad headers", func(g *attacker) attack {
		switch g.IntN(4) {
		case 0:
			return posted(g.sound(""), "400 bad_deadline", "", "X-Deadline-Ms", g.one("-1", "0", "NaN", "1e9", "99999999999999999999"))
		case 1:
			return posted(g.sound(""), "400 bad_priority", "", "X-Priority", g.one("10", "-1", "x"))
		case 2:
			return posted(g.sound(""), "415 content_encoding", "", "Content-Encoding", g.one("br", "zstd", "gzip, gzip"))
		}
		return posted(g.sound(""), "415 media_type", "", "Content-Type", g.one("text/html", "multipart/form-data", ";;;", "application/json; charset=utf-16"))
	}},
	{"header flood", func(g *attacker) attack {
		if g.IntN(2) == 0 {
			return posted(g.sound(""), ends202, endsPredicted, flood("X-Flood", 100, 300)...)
		}
		return posted(g.sound(""), "431 ", "", flood("X-Flood", 200, 600)...)
	}},
	{"old and future times", func(g *attacker) attack {
		return posted(g.sound(`,"event_time":`+g.one(`"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`, `-62135596800`, `1e18`, `"soon"`)), ends202, endsPredicted)
	}},
}

// largePosts are as hostile, and take so many bytes that there are few of them.
var largePosts = []hostility{
	{"10^6 levels deep", func(g *attacker) attack { return posted(g.deep(deepest), "400 too_deep", "") }},
	{"over the limit", func(g *attacker) attack { return posted(g.padded(gatewayMost+1+g.IntN(1<<20)), "413 too_large", "") }},
	{"over the topic's limit", func(g *attacker) attack {
		return posted(g.padded(gatewayMost-g.IntN(20_000)), "413 record_too_large", "")
	}},
	{"just below the limits", func(g *attacker) attack { return posted(g.padded(topicMost-g.IntN(100_000)), ends202, endsPredicted) }},
	{"gzip bomb", func(g *attacker) attack {
		return posted(zipped(64<<20), "413 too_large", "", "Content-Encoding", "gzip")
	}},
}

// writes are the ways straight into the topic.
var writes = []hostility{
	{"malformed JSON", func(g *attacker) attack { return produced(g.malformed(), endsUndecodable) }},
	{"lax JSON where nobody reads", func(g *attacker) attack { return produced(g.lax(), endsPredicted) }},
	{"truncated JSON", func(g *attacker) attack { return produced(g.truncated(), endsUndecodable) }},
	{"binary", func(g *attacker) attack { return produced(string(g.bytes(1+g.IntN(2000))), endsUndecodable) }},
	{"0xFF", func(g *attacker) attack { return produced(strings.Repeat("\xff", 1+g.IntN(100)), endsUndecodable) }},
	{"invalid UTF-8 where nobody reads", func(g *attacker) attack {
		return produced(g.sound(`,"name":"`+string(g.bytes(7))+`"`), endsPredicted)
	}},
	{"NaN and Infinity", func(g *attacker) attack { return produced(g.notNumber(), endsUndecodable) }},
	{"null key", func(g *attacker) attack {
		a := produced(g.sound(""), endsPredicted)
		a.record.Key = nil
		return a
	}},
	{"binary key", func(g *attacker) attack {
		a := produced(g.sound(""), endsPredicted)
		a.record.Key = g.bytes(1 + g.IntN(300))
		return a
	}},
	{"null and empty values", func(g *attacker) attack {
		a := produced("", endsUndecodable)
		if g.IntN(2) == 0 {
			a.record.Value = nil
		}
		return a
	}},
	{"not an object", func(g *attacker) attack { return produced(g.one(`[1]`, `"text"`, `1`, `null`, `true`), endsFeature) }},
	{"byte order mark", func(g *attacker) attack { return produced("\xef\xbb\xbf"+g.sound(""), endsUndecodable) }},
	{"duplicate keys", func(g *attacker) attack { return produced(g.doubled(), endsPredicted) }},
	{"negative numbers", func(g *attacker) attack { return produced(g.negative(), endsPredicted) }},
	{"wrong schema", func(g *attacker) attack { return produced(g.wrongSchema(), endsFeature) }},
	{"header flood", func(g *attacker) attack { return produced(g.sound(""), endsPredicted, flood("flood", 300, 100)...) }},
	{"absurd own headers", func(g *attacker) attack {
		return produced(g.sound(""), endsPredicted,
			event.HeaderDeadline, g.one("-5", "99999999999999999999", "", "\xff\xff", "0"),
			event.HeaderTimeline, g.one("t0=x", "t0=-9223372036854775808;gateway=-1", "\xff", strings.Repeat("t0=1;", 1000)),
			event.HeaderPriority, g.one("77", "-", "\x00"), "traceparent", g.one("00", "\xff\xff", strings.Repeat("0", 5000)))
	}},
	{"old and future times", func(g *attacker) attack {
		a := produced(g.sound(""), endsPredicted)
		a.record.Time = time.Now().Add(time.Duration(g.IntN(2*3600)-5400) * time.Second) // brokers refuse what is over an hour ahead
		if g.IntN(2) == 0 {
			a.record.Time = g.oldest.Add(time.Duration(g.IntN(3600)) * time.Second)
		}
		return a
	}},
}

var largeWrites = []hostility{
	{"10^6 levels deep", func(g *attacker) attack { return produced(g.deep(topicMost-100), endsUndecodable) }},
	{"just below the limit", func(g *attacker) attack { return produced(g.padded(topicMost-g.IntN(100_000)), endsPredicted) }},
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
