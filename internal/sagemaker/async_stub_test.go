package sagemaker

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/model/modeltest"
)

// site is an asynchronous endpoint with its S3 and a queue.
type site struct {
	t         *testing.T
	behaviour modeltest.Behaviour
	url       string

	mu      sync.Mutex
	calls   int
	headers []http.Header // of the requests
	objects map[string][]byte
	aged    map[string]time.Time
	queue   []string
	stopped chan struct{}

	decide func(s *site, n int, id string, body []byte) // instead of the Behaviour; s.mu is not held
	refuse func(w http.ResponseWriter, r *http.Request) bool
}

func newSite(t *testing.T, b modeltest.Behaviour) *site {
	s := &site{t: t, behaviour: b, objects: map[string][]byte{}, aged: map[string]time.Time{}, stopped: make(chan struct{})}
	server := httptest.NewServer(s)
	s.url = server.URL
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(s.stopped) })
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch {
	case s.refuse != nil && s.refuse(w, r):
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."):
		s.serveQueue(w, r)
	case r.URL.Path == "/endpoints/fraud/async-invocations":
		s.accept(w, r, body)
	default:
		s.serveObject(w, r, body)
	}
}

func (s *site) accept(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	s.calls++
	n := s.calls
	s.headers = append(s.headers, r.Header)
	if at := r.Header.Get(headerInput); at != "" {
		body = s.objects[strings.TrimPrefix(at, "s3:/")]
	}
	s.mu.Unlock()
	b := s.behaviour
	failure, fails := failures()[b.Fail]
	if b.Fail == model.ClassConnection {
		conn, _, _ := w.(http.Hijacker).Hijack()
		_ = conn.Close()
		return
	}
	if fails && failure.name != "ModelError" {
		refuse(w, failure)
		return
	}
	w.Header().Set(headerOutput, fmt.Sprintf("s3://data/out/betimes/%d.out", n))
	w.Header().Set(headerFailure, fmt.Sprintf("s3://data/bad/betimes/%d-error.out", n))
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"InferenceId":"`+r.Header.Get(headerInferenceID)+`"}`)
	if s.decide != nil {
		go s.decide(s, n, r.Header.Get(headerInferenceID), body)
		return
	}
	if n <= b.HangFor {
		if b.Reached != nil {
			b.Reached <- struct{}{}
		}
		return
	}
	s.work(n, failure, fails, body)
}

// work writes what a Behaviour answers.
func (s *site) work(n int, failure said, fails bool, body []byte) {
	b := s.behaviour
	<-time.After(b.Delay)
	switch {
	case b.Refuses(body):
		s.fails(n, 415)
	case fails:
		var said refusal
		_ = json.Unmarshal([]byte(failure.body), &said)
		s.fails(n, said.OriginalStatusCode)
	case b.Oversize:
		s.put(fmt.Sprintf("/data/out/betimes/%d.out", n), make([]byte, exchange.MaxAnswerBytes+1))
	default:
		s.answers(n, b.Answer(body))
	}
}

func (s *site) answers(n int, body []byte) { s.put(fmt.Sprintf("/data/out/betimes/%d.out", n), body) }

func (s *site) fails(n, status int) {
	s.put(fmt.Sprintf("/data/bad/betimes/%d-error.out", n), []byte(told(status)))
}

// told are the words of a failure.
func told(status int) string {
	return fmt.Sprintf("ClientError: Received client error (%d) from model. See the SageMaker Endpoint logs in your account for more information.", status)
}

func (s *site) put(path string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[path] = body
}

func (s *site) has(path string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[path] != nil
}

func (s *site) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.objects))
}

func (s *site) serveObject(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch path := r.URL.Path; {
	case r.URL.Query().Get("list-type") == "2":
		s.list(w, strings.TrimSuffix(path, "/")+"/", r.URL.Query().Get("prefix"))
	case r.Method == http.MethodPut:
		s.objects[path] = append([]byte{}, body...)
	case r.Method == http.MethodDelete:
		delete(s.objects, path)
		w.WriteHeader(http.StatusNoContent)
	case s.objects[path] == nil:
		w.WriteHeader(http.StatusNotFound)
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
		}
	case r.Method == http.MethodGet:
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		_, _ = w.Write(s.objects[path])
	}
}

// list gives one object a page; s.mu is held.
func (s *site) list(w http.ResponseWriter, bucket, prefix string) {
	type content struct {
		Key, LastModified string
	}
	var page struct {
		XMLName  xml.Name `xml:"ListBucketResult"`
		Contents []content
	}
	for _, path := range slices.Sorted(maps.Keys(s.objects)) {
		if key := strings.TrimPrefix(path, bucket); key != path && strings.HasPrefix(key, prefix) {
			at, old := s.aged[path]
			if !old {
				at = time.Now()
			}
			page.Contents = append(page.Contents, content{key, at.UTC().Format(time.RFC3339)})
		}
	}
	_ = xml.NewEncoder(w).Encode(page)
}

func (s *site) serveQueue(w http.ResponseWriter, r *http.Request) {
	var out struct{ Messages []message }
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ReceiveMessage") {
		for wait := true; wait; {
			s.mu.Lock()
			for _, body := range s.queue {
				out.Messages = append(out.Messages, message{body, "receipt"})
			}
			s.queue = nil
			s.mu.Unlock()
			if wait = len(out.Messages) == 0; wait {
				select {
				case <-time.After(time.Millisecond):
				case <-r.Context().Done():
					return
				case <-s.stopped:
					return
				}
			}
		}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// notify puts a notification into the queue.
func (s *site) notify(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, text)
}

func (s *site) async(change func(*Config)) *Async {
	s.t.Helper()
	c := fraudFor(s.behaviour)
	config := DefaultAsync()
	config.Input = "s3://data/in"
	c.Async = &config
	if change != nil {
		change(&c)
	}
	a, err := account(s.t, s.url).Async(c)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(a.Close)
	return a
}
