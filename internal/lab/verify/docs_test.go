package verify

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

func TestThePageNamesEveryRuleAndNoOther(t *testing.T) {
	page, err := os.ReadFile("../../../docs/verify.md")
	if err != nil {
		t.Fatal(err)
	}
	var named []Rule
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\|").FindAllSubmatch(page, -1) {
		named = append(named, Rule(m[1]))
	}
	if !slices.Equal(named, Rules()) {
		t.Errorf("docs/verify.md has the rules %q, there are %q", named, Rules())
	}
}
