package sagemaker

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/model/modeltest"
)

// said is how the service says a failure.
type said struct {
	status int
	name   string // x-amzn-ErrorType
	body   string
}

func modelError(original int) said {
	return said{424, "ModelError", fmt.Sprintf(`{"ErrorCode":"CLIENT_ERROR_FROM_MODEL","LogStreamArn":"arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/fraud","Message":"Received error (%d) from primary","OriginalMessage":"no such column","OriginalStatusCode":%d}`, original, original)}
}

func notFound() said {
	return said{400, "ValidationError", `{"message":"Endpoint fraud of account 000000000000 not found."}`}
}

func failures() map[model.Class]said {
	return map[model.Class]said{
		model.ClassThrottled:   {400, "ThrottlingException", `{"message":null}`},
		model.ClassNotReady:    {429, "ModelNotReadyException", `{"Message":"loading"}`},
		model.ClassUnavailable: {530, "InternalDependencyException", `{"Message":"x"}`},
		model.ClassTimeout:     modelError(0),
		model.ClassModelFault:  modelError(500),
		model.ClassBadInput:    modelError(415),
		model.ClassTooLarge:    modelError(413),
		model.ClassNotFound:    notFound(),
		model.ClassDenied:      {403, "AccessDeniedException", `{"message":"not you"}`},
	}
}

// runtime is a SageMaker runtime whose container has a Behaviour.
func runtime(t *testing.T, b modeltest.Behaviour) string {
	return runtimeOf(t, "invocations", b, serve)
}

// runtimeOf has one operation.
func runtimeOf(t *testing.T, operation string, b modeltest.Behaviour, serve func(http.ResponseWriter, modeltest.Behaviour, []byte)) string {
	var calls atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/endpoints/fraud/"+operation || !strings.Contains(r.Header.Get("Authorization"), "/us-east-1/sagemaker/aws4_request") {
			t.Errorf("path %s, authorization %s", r.URL.Path, r.Header.Get("Authorization"))
		}
		if int(calls.Add(1)) <= b.HangFor {
			if b.Reached != nil {
				b.Reached <- struct{}{}
			}
			<-r.Context().Done()
			return
		}
		serve(w, b, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func serve(w http.ResponseWriter, b modeltest.Behaviour, body []byte) {
	<-time.After(b.Delay)
	failure, fails := failures()[b.Fail]
	switch {
	case b.Fail == model.ClassConnection:
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
	case b.Refuses(body):
		refuse(w, failures()[model.ClassBadInput])
	case fails:
		refuse(w, failure)
	case b.Oversize:
		w.Header().Set("Content-Length", fmt.Sprint(exchange.MaxAnswerBytes+1))
	default:
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = w.Write(b.Answer(body))
	}
}

func refuse(w http.ResponseWriter, s said) {
	if s.name != "" {
		w.Header().Set("x-amzn-ErrorType", s.name)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body)
}

// account calls an emulator at url, in an empty environment.
func account(t *testing.T, url string) *Account {
	t.Helper()
	return accountIn(t, AWSConfig{EndpointURL: url}, nil)
}

func accountIn(t *testing.T, c AWSConfig, env map[string]string) *Account {
	t.Helper()
	alone(t)
	a, err := NewAccount(t.Context(), c, Deps{Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// alone keeps the account of whoever runs the test out of it.
func alone(t *testing.T) {
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"} {
		t.Setenv(name, "")
	}
	nowhere := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", nowhere)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", nowhere)
}

func fraud() Config {
	c := DefaultConfig()
	c.Endpoint, c.Region = "fraud", "us-east-1"
	return c
}

// fraudFor has as many connections as a Behaviour wants.
func fraudFor(b modeltest.Behaviour) Config {
	c := fraud()
	if b.Calls > 0 {
		c.Connections = b.Calls
	}
	return c
}

func endpoint(t *testing.T, a *Account, c Config) *Endpoint {
	t.Helper()
	e, err := a.Endpoint(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func TestASageMakerEndpointPassesTheExercise(t *testing.T) {
	classes := []model.Class{model.ClassConnection}
	for c := range failures() {
		classes = append(classes, c)
	}
	modeltest.Exercise(t, func(t *testing.T, b modeltest.Behaviour) model.Invoker {
		return endpoint(t, account(t, runtime(t, b)), fraudFor(b))
	}, classes...)
}
