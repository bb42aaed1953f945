package sagemaker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

// protocol is how an API of JSON calls is spoken to.
type protocol struct {
	url         *url.URL
	contentType string
	prefix      string // of the operation in X-Amz-Target
}

// call makes one JSON call. in and out are structs of the members that are needed;
// out may be nil.
func (s *service) call(ctx context.Context, p protocol, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	header := http.Header{
		"Content-Type": {p.contentType}, "User-Agent": {"betimes"}, "X-Amz-Target": {p.prefix + operation},
	}
	signed := wire.Request{Method: http.MethodPost, URL: p.url, Header: header, PayloadHash: wire.PayloadHash(body)}
	who, err := s.sign(ctx, signed)
	if err != nil {
		return fmt.Errorf("%s: %w", operation, err)
	}
	reply, err := s.exchange.Do(ctx, exchange.Request{URL: p.url, Header: header, Body: body})
	if err != nil {
		return fmt.Errorf("%s at %s: %w", operation, p.url.Host, err)
	}
	if reply.Status != http.StatusOK {
		return s.refused(ctx, operation, who, reply)
	}
	if out == nil || len(reply.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(reply.Body, out); err != nil {
		return fmt.Errorf("%s: the answer of %s cannot be read: %w", operation, p.url.Host, err)
	}
	return nil
}

func (s *service) refused(ctx context.Context, operation string, signed wire.Credentials, reply exchange.Reply) error {
	var said refusal
	_ = json.Unmarshal(reply.Body, &said) // not JSON: the status has to do
	name := errorName(firstOf(said.Type, reply.Header.Get(headerErrorType)))
	e := &ControlError{Operation: operation, Status: reply.Status, Name: name, Message: said.Message}
	if name == "" {
		e.Message = model.Excerpt(reply.Body)
	}
	if isDenial(name) {
		cause, _ := s.denied(ctx, signed, name, reply.Header)
		return fmt.Errorf("%w; %w", e, cause)
	}
	return e
}
