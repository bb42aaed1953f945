package listen

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/internal/setting"
)

func ask(h http.Handler, authorization string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTokensOpenWhatTheirRoleMay(t *testing.T) {
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := CallerOf(r.Context())
		_, _ = w.Write([]byte(c.Name + "/" + c.Role))
	})
	guard := NewGuard([]TokenConfig{
		{Name: "reader", Role: RoleRead, Token: setting.NewSecret("r")},
		{Name: "boss", Role: RoleAdmin, Token: setting.NewSecret("a")},
		{Name: "lost", Role: RoleAdmin, Token: setting.NewSecret("file:/no/such/file")},
		{Name: "empty", Role: RoleAdmin, Token: setting.NewSecret("")},
	})
	for name, c := range map[string]struct {
		role, authorization string
		status              int
		body                string
	}{
		"a reader reads":                   {RoleRead, "Bearer r", 200, "reader/read"},
		"a reader does not act":            {RoleAdmin, "Bearer r", 403, "forbidden"},
		"an admin reads":                   {RoleRead, "Bearer a", 200, "boss/admin"},
		"an admin acts":                    {RoleAdmin, "Bearer a", 200, "boss/admin"},
		"nobody":                           {RoleRead, "", 401, "unauthorized"},
		"a wrong token":                    {RoleRead, "Bearer x", 401, "unauthorized"},
		"a part of a token":                {RoleRead, "Bearer ", 401, "unauthorized"},
		"basic authentication":             {RoleRead, "Basic cjpy", 401, "unauthorized"},
		"the text of an unreadable secret": {RoleRead, "Bearer file:/no/such/file", 401, "unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			w := ask(guard.Require(c.role, who), c.authorization)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) {
				t.Errorf("answer is %d %s", w.Code, w.Body)
			}
			if w.Code == 401 && w.Header().Get("WWW-Authenticate") != "Bearer" {
				t.Error("the answer does not say how to authenticate")
			}
		})
	}
	if w := ask(NewGuard(nil).Require(RoleAdmin, who), ""); w.Body.String() != "local/admin" {
		t.Errorf("without tokens: answer is %d %s", w.Code, w.Body)
	}
}

func TestARotatedTokenFileCountsAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	h := RequireToken(setting.NewSecret("file:"+path), hello)
	for _, token := range []string{"first", "second"} {
		if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if w := ask(h, "Bearer "+token); w.Code != 200 {
			t.Errorf("%s: answer is %d %s", token, w.Code, w.Body)
		}
	}
	if w := ask(h, "Bearer first"); w.Code != 401 {
		t.Errorf("the old token: answer is %d %s", w.Code, w.Body)
	}
	if w := ask(RequireToken(setting.Secret{}, hello), ""); w.Code != 200 {
		t.Errorf("without a token: answer is %d %s", w.Code, w.Body)
	}
}

func TestAProblemSaysWhenToTryAgain(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2"} {
		p := NewProblem(503, "busy", "Busy", "try again")
		p.RetryAfter = after
		w := httptest.NewRecorder()
		p.Write(w)
		var got Problem
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.Type != "urn:betimes:problem:busy" || got.Status != 503 {
			t.Errorf("got %s %v", w.Body, err)
		}
		if w.Header().Get("Retry-After") != want || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: headers are %v", after, w.Header())
		}
	}
}
