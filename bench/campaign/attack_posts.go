package main

import (
	"strings"
)

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
