package main

import "testing"

func TestATestIsToldByItsParts(t *testing.T) {
	out := `{"Action":"run","Test":"TestA"}
{"Action":"run","Test":"TestA/one"}
{"Action":"output","Test":"TestA/one","Output":"    site_test.go:1: events 9, lost 0\n"}
{"Action":"pass","Test":"TestA/one","Elapsed":1.5}
{"Action":"fail","Test":"TestA/two","Elapsed":2}
{"Action":"fail","Test":"TestA","Elapsed":3.5}
not JSON
{"Action":"pass","Test":"TestB","Elapsed":1}
{"Action":"fail"}
`
	got := parseResults([]byte(out))
	if len(got) != 3 {
		t.Fatalf("%d tests, want 3", len(got))
	}
	for i, want := range []tested{
		{name: "TestA/one", result: "pass", counted: "events 9, lost 0"}, {name: "TestA/two", result: "fail"}, {name: "TestB", result: "pass"},
	} {
		if got[i].name != want.name || got[i].result != want.result || got[i].counted != want.counted {
			t.Errorf("test %d is %+v, want %+v", i, got[i], want)
		}
	}
}
