package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// server is a job at an http:// image: a server on this machine that runs already.
//
//	GET  /ping    200: it takes jobs
//	POST /train   {TrainingJobName, Folder, Arguments, Environment}; the answer is the
//	              log and ends with the job, the trailer Exit-Code says how (0 without it)
//	POST /stop    {TrainingJobName}: asks the job to end
//
// Who sees the connection of /train closed ends the job: the emulator has given it up.
type server struct {
	base   string
	job    []byte // that /stop names
	client *http.Client
	alive  context.Context
	gone   context.CancelFunc
	kill   context.CancelFunc // closes the connection
	code   int
	broken error // why there is no code
}

// trainRequest is what /train is sent. Folder is what a program sees as /opt/ml.
type trainRequest struct {
	TrainingJobName string
	Folder          string
	Arguments       []string
	Environment     map[string]string
}

// The limits of a server that trains; how long it trains is the job's own limit.
const (
	connectTime    = 250 * time.Millisecond
	pingTime       = 2 * time.Second
	stopTime       = 5 * time.Second
	maxHeaderBytes = 64 << 10
	exitCode       = "Exit-Code" // trailer
)

// isServer says whether an image is a server.
func isServer(image string) bool {
	return strings.HasPrefix(image, "http://") || strings.HasPrefix(image, "https://")
}

func serverClient() *http.Client {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &http.Client{CheckRedirect: stay, Transport: &http.Transport{
		DialContext: (&net.Dialer{Timeout: connectTime}).DialContext, DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: maxHeaderBytes,
	}}
}

// findServer checks that the server of an image takes jobs.
func findServer(ctx context.Context, image string) (string, error) {
	u, err := url.Parse(image)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" {
		return "", fmt.Errorf("image %q is not http://HOST:PORT of a server", image)
	}
	base := u.Scheme + "://" + u.Host
	ctx, cancel := context.WithTimeout(ctx, pingTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/ping", nil)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", image, err)
	}
	answer, err := serverClient().Do(req)
	if err == nil {
		defer answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return base, nil
		}
		err = fmt.Errorf("/ping answered %s", answer.Status)
	}
	return "", fmt.Errorf("image %q takes no jobs: %w; start a server there that answers GET /ping with 200 and trains at POST /train", image, err)
}

// startServer begins a job at a server.
func (r *Runner) startServer(base string, f *folder, j Job, output io.Writer) (*server, error) {
	ml := filepath.Join(f.base, "ml")
	environment := map[string]string{}
	for _, line := range r.environment(j, ml) {
		name, value, _ := strings.Cut(line, "=")
		environment[name] = value
	}
	body, err := json.Marshal(trainRequest{j.Name, ml, arguments(j), environment})
	if err != nil {
		return nil, err
	}
	s := &server{base: base, client: serverClient()}
	s.job, _ = json.Marshal(map[string]string{"TrainingJobName": j.Name}) // texts always marshal
	open, kill := context.WithCancel(context.Background())
	s.alive, s.gone = context.WithCancel(context.Background())
	s.kill = kill
	go func() {
		defer s.gone()
		defer kill()
		s.code, s.broken = s.train(open, body, output)
	}()
	return s, nil
}

// train asks the server to train and reads its log until the job has ended.
func (s *server) train(ctx context.Context, body []byte, output io.Writer) (int, error) {
	answer, err := s.post(ctx, "/train", body)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxFailure)) // what could be read is better than nothing
		return 0, fmt.Errorf("/train answered %s: %s", answer.Status, text)
	}
	if _, err := io.Copy(output, answer.Body); err != nil {
		return 0, fmt.Errorf("the server closed the connection before the job ended: %w", err)
	}
	text := answer.Trailer.Get(exitCode)
	if text == "" {
		return 0, nil
	}
	code, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("the trailer %s is %q, no number", exitCode, text)
	}
	return code, nil
}

func (s *server) post(ctx context.Context, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return s.client.Do(req)
}

// Alive ends with the job.
func (s *server) Alive() context.Context { return s.alive }

// TerminateAll asks the job to end. A server that cannot be asked is given up later.
func (s *server) TerminateAll() {
	ctx, cancel := context.WithTimeout(s.alive, stopTime)
	defer cancel()
	if answer, err := s.post(ctx, "/stop", s.job); err == nil {
		_ = answer.Body.Close()
	}
}

// Kill closes the connection of the job.
func (s *server) Kill() { s.kill() }

// ended is how the job ended, in AWS's words.
func (s *server) ended(f *folder, last *lastLine) error {
	if s.broken == nil {
		return exitError(s.code, f, last)
	}
	text := "AlgorithmError: " + s.base + ": " + s.broken.Error()
	return errors.New(strings.ToValidUTF8(text[:min(len(text), maxFailure)], ""))
}
