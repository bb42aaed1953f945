package topics

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"betimes/internal/lab/emulator/journal"
)

// delivery is a notification on its way to an HTTP server, or to a queue when it is late.
type delivery struct {
	ID           string    `json:"id"`
	Type         string    `json:"type"`
	MessageID    string    `json:"message_id"`
	Subscription string    `json:"subscription"`
	Text         string    `json:"text"`
	NotBefore    time.Time `json:"not_before,omitzero"`
}

// post keeps a notification and begins to deliver it; s.mu is held.
func (s *Service) post(d *delivery) error {
	if err := s.Store.Put(deliveryKind, d.ID, d); err != nil {
		return err
	}
	s.pending[d.ID] = d
	s.start(d)
	return nil
}

// start delivers in the background; s.mu is held.
func (s *Service) start(d *delivery) {
	if s.closed { // the next run does it
		return
	}
	s.working.Add(1)
	s.Clock.Go(func() {
		defer s.working.Done()
		s.deliver(d)
	})
}

// wait is before each try, as in AWS's default policy: 3 at once, 2 after a
// second, 10 that take longer, 35 every 20 s.
func wait(try int) time.Duration {
	switch {
	case try < 4:
		return 0
	case try < 6:
		return time.Second
	case try < 16:
		return time.Duration(min(1<<(try-6), 20)) * time.Second
	}
	return 20 * time.Second
}

// maxTries is how often AWS tries an HTTP server.
const maxTries = 50

func (s *Service) deliver(d *delivery) {
	if s.Clock.Sleep(s.open, d.NotBefore.Sub(s.Clock.Now())) != nil {
		return
	}
	for try := 1; try <= maxTries; try++ {
		if s.Clock.Sleep(s.open, wait(try)) != nil {
			return
		}
		s.mu.Lock()
		sub, wanted := s.subscriptions[d.Subscription]
		if wanted {
			_, wanted = s.pending[d.ID]
		}
		arn := ""
		if wanted {
			arn = s.arnOf(sub)
		}
		s.mu.Unlock()
		if !wanted {
			break
		}
		err := s.try(s.open, d, sub, arn)
		if err == nil {
			s.Journal.Note(journal.Entry{Time: time.Now(), Kind: journal.Request, Operation: "Notify", Resource: "sns", Status: http.StatusOK})
			break
		}
		if s.open.Err() != nil {
			return
		}
		s.Log.Warn("notification not delivered", "topic", sub.Topic, "try", try, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, d.ID)
	if err := s.Store.Delete(deliveryKind, d.ID); err != nil {
		s.Log.Error("delivery not forgotten", "error", err)
	}
}

// try is one message to a queue, or one POST.
func (s *Service) try(ctx context.Context, d *delivery, sub *subscription, arn string) error {
	if sub.Protocol == "sqs" {
		return s.enqueue(sub, d.Text)
	}
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, strings.NewReader(d.Text))
	if err != nil {
		return err
	}
	h := req.Header
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("User-Agent", "Amazon Simple Notification Service Agent")
	h.Set("X-Amz-Sns-Message-Type", d.Type)
	h.Set("X-Amz-Sns-Message-Id", d.MessageID)
	h.Set("X-Amz-Sns-Topic-Arn", s.ARN(sub.Topic))
	if d.Type == "Notification" {
		h.Set("X-Amz-Sns-Subscription-Arn", arn)
	}
	if sub.Raw {
		h.Set("X-Amz-Sns-Rawdelivery", "true")
	}
	answer, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, 64<<10) // so that the connection is used again
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fmt.Errorf("the subscriber answered %s", answer.Status)
	}
	return nil
}

// named says whether a host is this machine by its name alone; newClient checks the address too.
func named(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// newClient connects to this machine only, unless anywhere, and follows no redirects.
func newClient(anywhere bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !anywhere {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !at.Addr().Unmap().IsLoopback() {
				return fmt.Errorf("%s is not on this machine; the emulator's setting subscribers: any allows it", address)
			}
			return nil
		}
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 16},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
