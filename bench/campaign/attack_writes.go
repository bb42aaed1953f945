package main

import (
	"strings"
	"time"

	"betimes/internal/event"
)

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
