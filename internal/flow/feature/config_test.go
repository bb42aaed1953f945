package feature

import (
	"fmt"
	"testing"
)

func TestConfigProblemsNamePathAndRemedy(t *testing.T) {
	for want, cfg := range map[string]Config{
		"[]": DefaultConfig(),
		"[request: is set beside fields; keep one of them]":                                                   {Fields: []string{"a"}, Request: "b"},
		`[fields.1: "a" occurs twice; remove one fields.2: is empty; write the name of a field of the event]`: {Fields: []string{"a", "a", ""}},
		`[request: expression "[a" at 1:2: unexpected token EOF]`:                                             {Request: "[a"},
	} {
		if got := fmt.Sprint(cfg.Validate()); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestRouteProblemsNamePathAndRemedy(t *testing.T) {
	got := fmt.Sprint(ValidateRoutes([]RouteConfig{{Model: "a"}, {When: "key", Model: "c"}}, []string{"a", "b"}))
	want := `[0.when: is empty, so the entries after it are never reached; move it to the end 1.model: "c" is not under models; use one of a, b 1.when: expression "key": expected bool, but got string]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
