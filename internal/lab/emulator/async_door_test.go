package emulator_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"betimes/internal/lab/emulator"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
)

// slow is the door to the asynchronous endpoint of box.async; queueURL may be empty.
func (b *box) slow(t *testing.T, queueURL string) *sagemaker.Async {
	t.Helper()
	config, async := fraud(), sagemaker.DefaultAsync()
	async.Queue, async.Input = queueURL, "s3://data/in"
	config.Endpoint, config.Async, config.Probe = "slow", &async, 20*time.Millisecond
	door, err := b.account().Async(config)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- door.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-done)
		door.Close()
	})
	return door
}

// objects are the keys below a prefix of the bucket data.
func (b *box) objects(prefix string) int {
	b.t.Helper()
	_, text := b.do("GET", "/data?list-type=2&prefix="+prefix, "")
	return strings.Count(text, "<Key>")
}

func TestTheDoorGetsEveryAsynchronousResult(t *testing.T) {
	large := strings.Repeat("1,", 100_000)
	for _, tt := range []struct {
		name, fault string
		queue       bool
		body        string
	}{
		{"by notification", "", true, "1,2"},
		{"by looking into S3", "", false, "1,2"},
		{"of a request in S3, by notification", "", true, large},
		{"of a request in S3, by looking", "", false, large},
		{"whose notification is lost", `{"fault":"sns_lost"}`, true, "1,2"},
		{"whose notification comes late", `{"fault":"sns_late","add":"10m"}`, true, "1,2"},
		{"whose notification comes twice", `{"fault":"sns_duplicate"}`, true, "1,2"},
		{"that comes late", `{"fault":"late_result","add":"50ms"}`, false, "1,2"},
		{"though S3 fails now and then", `{"fault":"s3_error","match":{"operation":"GetObject"},"count":3}`, false, "1,2"},
		{"though S3 asks to slow down", `{"fault":"s3_error","status":503,"match":{"operation":"GetObject"},"count":3}`, true, "1,2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			url := b.async("builtin:echo", 1)
			if !tt.queue {
				url = ""
			}
			door := b.slow(t, url)
			if tt.fault != "" {
				b.fault(tt.fault)
			}
			for range 3 {
				resp, err := door.Invoke(t.Context(), request(tt.body))
				if err != nil || string(resp.Answers[0].Body) != tt.body {
					t.Fatalf("got %.100v, %v", resp, err)
				}
			}
			for b.objects("out")+b.objects("in") > 0 { // what was used is deleted
				if t.Context().Err() != nil {
					t.Fatal("objects stay")
				}
			}
		})
	}
}

func TestTheDoorsAsynchronousCallsHaveSignaturesThatHold(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	url := b.async("builtin:echo", 1)
	b.stop()
	verifying := emulator.DefaultConfig()
	verifying.Profile, verifying.Auth, verifying.Keys = "instant", "verify", secrets("betimes", "betimes")
	again := startWith(t, verifying, b.dir)
	door := again.slow(t, strings.Replace(url, b.url, again.url, 1))
	for _, body := range []string{"1,2", strings.Repeat("1,", 100_000)} {
		if _, err := door.Invoke(t.Context(), request(body)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheDoorKnowsWhyAnAsynchronousRequestFailed(t *testing.T) {
	container := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		switch string(body) {
		case "bad":
			w.WriteHeader(http.StatusUnsupportedMediaType)
		case "large":
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case "broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "gone":
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(container.Close)
	b := start(t, "instant", t.TempDir())
	url := b.async(container.URL, 1)
	for how, queue := range map[string]string{"told": url, "looked for": ""} {
		door := b.slow(t, queue)
		for body, want := range map[string]model.Class{
			"bad": model.ClassBadInput, "large": model.ClassTooLarge, "broken": model.ClassModelFault, "gone": model.ClassTimeout,
		} {
			if _, err := door.Invoke(t.Context(), request(body)); model.ClassOf(err) != want {
				t.Errorf("%s, %s: got %v, want %s", body, how, err, want)
			}
		}
	}
}

func (b *box) scaleSlow(n int) {
	b.t.Helper()
	b.control("UpdateEndpointWeightsAndCapacities", m{"EndpointName": "slow", "DesiredWeightsAndCapacities": []m{{"VariantName": "AllTraffic", "DesiredInstanceCount": n}}})
	b.await("slow", "InService")
}

func TestTheDoorDoesNotWaitForWhatTheEndpointHasDropped(t *testing.T) {
	for _, tt := range []struct {
		name string
		drop func(b *box)
		want model.Class
		says string
	}{
		{"because it waited for too long", func(b *box) { b.do("POST", "/_emu/clock/advance", `{"by":"61m"}`) }, model.ClassUnavailable, "expired"},
		{"because it was deleted", func(b *box) { b.control("DeleteEndpoint", m{"EndpointName": "slow"}) }, model.ClassNotFound, "gone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, "instant", t.TempDir())
			b.async("builtin:echo", 1)
			b.scaleSlow(0)
			door := b.slow(t, "")
			failed := make(chan error)
			go func() {
				_, err := door.Invoke(t.Context(), request("1"))
				failed <- err
			}()
			b.untilJournal(`"operation":"InvokeEndpointAsync"`)
			for door.State().Status == "" { // it was seen before it goes
				b.control("DescribeEndpoint", m{"EndpointName": "slow"})
			}
			tt.drop(b)
			if err := <-failed; model.ClassOf(err) != tt.want || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// untilJournal waits until the journal says something.
func (b *box) untilJournal(text string) {
	b.t.Helper()
	for {
		if _, journal := b.do("GET", "/_emu/journal", ""); strings.Contains(journal, text) {
			return
		}
		if b.t.Context().Err() != nil {
			b.t.Fatalf("no %s in the journal", text)
		}
	}
}

func TestAnAsynchronousResultThatComesAfterItsCallerLeftIsDeleted(t *testing.T) {
	b := start(t, "instant", t.TempDir())
	door := b.slow(t, b.async("builtin:echo", 1)) // its notification finds it, wherever the caller was
	b.fault(`{"fault":"late_result","add":"10m","count":1}`)
	ctx, leave := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, err := door.Invoke(ctx, request("1"))
		failed <- err
	}()
	b.until("late_result")
	leave()
	if err := <-failed; model.ClassOf(err) != model.ClassCanceled {
		t.Fatalf("got %v", err)
	}
	b.elapse("10m")
	for b.objects("out") > 0 {
		if t.Context().Err() != nil {
			t.Fatal("the result stays")
		}
	}
	if _, err := door.Invoke(t.Context(), request("2")); err != nil {
		t.Errorf("the next one: %v", err)
	}
}
