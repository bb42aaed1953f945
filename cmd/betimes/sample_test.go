package main

import (
	"testing"

	"betimes/internal/config"
)

func TestTheSampleEventHasWhatItsRequestIsMadeOf(t *testing.T) {
	for name, c := range map[string]struct{ request, want string }{
		"nothing":                {"", `{"k":"tok_0000"}`},
		"numbers":                {`{"instances": [[total, amount]]}`, `{"k":"tok_0000","amount":129.95,"total":0.5}`},
		"text":                   {`{"text": text, "words": len(split(text, " "))}`, `{"k":"tok_0000","text":"some words"}`},
		"text and a number":      {`upper(a) + string(b * 2)`, `{"k":"tok_0000","a":"some words","b":0.5}`},
		"what cannot be guessed": {`items[0].price`, `{"k":"tok_0000","items":0.5}`},
		"the key itself":         {`k + "x"`, `{"k":"tok_0000"}`},
	} {
		t.Run(name, func(t *testing.T) {
			conf := config.Default()
			conf.Flow.Gateway.Key, conf.Flow.Gateway.ID, conf.Flow.Gateway.EventTime = "/k", "", ""
			conf.Flow.Feature.Fields, conf.Flow.Feature.Request = nil, c.request
			if got := sampleEvent(conf); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
