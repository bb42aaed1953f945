package pointer

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/valyala/fastjson"
)

func TestADocumentIsRefusedBeforeItIsTooDeepForTheStack(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat(`[`, n) + strings.Repeat(`]`, n)) }
	for n, want := range map[int]bool{1: true, fastjson.MaxDepth: true, fastjson.MaxDepth + 1: false, 5_000_000: false} {
		if got := Valid(deep(n)); got != want {
			t.Errorf("%d deep: %v", n, got)
		}
	}
}

func FuzzADocumentIsValidWhereTheStandardLibrarySaysSo(f *testing.F) {
	for _, doc := range []string{`{"a":[1,-0.5e+3,"\u00e9\"",null,true]}`, ` [] `, `01`, `1.`, `-`, `"\x"`, `"\u12"`, "\"\x01\"", `{"a" 1}`, `[1,]`, `{,}`, `nul`, `"`, `"\`, `1 2`, "\xff", "\"\xff\"", ``, `{"a":1,"a":2}`, "\"\x7f\"", `1e5`, `1e`, `"\/"`, `+1`, `NaN`, `{"\u12":1}`, "{\"\x01\":1}", `{1:2}`, "\"\x1d\\b\""} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if TooDeep(doc, fastjson.MaxDepth) {
			return
		}
		if got, want := Valid(doc), json.Valid(doc); got != want {
			t.Errorf("%q: %v, encoding/json says %v", doc, got, want)
		}
	})
}
