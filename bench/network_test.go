package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"betimes/bench/floor/load"
)

// record is one of scenario p2.
func record(t *testing.T) string {
	t.Helper()
	s, _ := scenarioOf("p2")
	p := load.Plan(s.shape(1000, 0, time.Second, 1))
	text := string(p.Value(0, time.Unix(1_800_000_000, 0)))
	if len(text) < 7_500 || len(text) > 8_500 {
		t.Errorf("a record has %d bytes, want about 8 KB", len(text))
	}
	return text
}

func TestTheStubComputesItsNetworkOverTLS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "authority.pem")
	certificate, err := newCertificate(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &stub{network: newNetwork()}
	err = s.serve(certificate)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close("")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	ask := func(body string) (int, string) {
		res, err := client.Post(s.url, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(answer)
	}
	body := record(t)
	status, answer := ask(body)
	if status != http.StatusOK || strings.Count(answer, ",") != 11 || !strings.Contains(answer, `"y":[`) {
		t.Errorf("got %d %s; want ts, v and 10 numbers", status, answer)
	}
	if _, again := ask(body); again != answer {
		t.Errorf("the same record, another answer: %s and %s", answer, again)
	}
	if status, _ := ask(`{"ts":5,"x":[1,2]}`); status != http.StatusBadRequest {
		t.Errorf("two numbers: %d", status)
	}
	if n := s.calls.Load(); n != 3 {
		t.Errorf("%d calls counted", n)
	}
}

func TestANegativeValueDoesNotLeaveAHiddenLayer(t *testing.T) {
	n := &network{layers: []layer{
		{in: 2, weights: []float32{1, 1, 1, -1}, biases: []float32{0, 0}},
		{in: 2, weights: []float32{1, 10}, biases: []float32{-1}},
	}}
	if y := n.forward([]float32{1, 3}); len(y) != 1 || y[0] != 3 {
		t.Errorf("got %v, want 4·1 + 0·10 − 1", y)
	}
}
