package form

import (
	"reflect"
	"testing"
)

func TestListsAndMapsOfAForm(t *testing.T) {
	f, err := Parse("A.1=x&A.2=y&A.4=z&M.entry.1.key=k&M.entry.1.value=v&M.entry.2.key=l&M.entry.2.value=w&E.1.Id=a&E.1.B.1=deep")
	if err != nil {
		t.Fatal(err)
	}
	if got := f.List("A"); !reflect.DeepEqual(got, []string{"x", "y"}) {
		t.Errorf("list %v", got)
	}
	if got := f.Pairs("M.entry", "key", "value"); !reflect.DeepEqual(got, map[string]string{"k": "v", "l": "w"}) {
		t.Errorf("map %v", got)
	}
	if got := f.Parts("E"); len(got) != 1 || got[0]["Id"] != "a" || got[0].List("B")[0] != "deep" {
		t.Errorf("parts %v", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "Action=x", "A.1=x&A.2=y", "A.=1&A..1=2&.1=3", "A.1.key=%zz", "A.9999999999999999999.k=1", "a;b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text)
		if err != nil {
			return
		}
		for _, prefix := range []string{"", "A", "A.1"} {
			if n := len(parsed.List(prefix)) + len(parsed.Parts(prefix)); n > len(text) {
				t.Errorf("%d members of %d bytes", n, len(text))
			}
		}
	})
}
