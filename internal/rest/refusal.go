package rest

import (
	"fmt"
	"net/url"
	"strings"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// refused makes the error of an answer that is not 2xx.
func (e *Endpoint) refused(reply exchange.Reply) error {
	return &model.Error{
		Class: exchange.ClassOfStatus(reply.Status), Endpoint: e.name, Status: reply.Status,
		Message: model.Excerpt(reply.Body), Err: e.advice(reply),
	}
}

// advice says what to change where the status tells it.
func (e *Endpoint) advice(reply exchange.Reply) error {
	switch exchange.ClassOfStatus(reply.Status) {
	case model.ClassDenied:
		return fmt.Errorf("the server wants credentials; set headers.Authorization, best as file:PATH")
	case model.ClassNotFound:
		if to, err := url.Parse(reply.Header.Get("Location")); err == nil && reply.Status < 400 && to.Path != "" {
			to = e.url.ResolveReference(to)
			return fmt.Errorf("the server redirects and redirects are not followed; write url: %s://%s%s if that is meant", to.Scheme, to.Host, to.Path)
		}
		return fmt.Errorf("nothing answers POST at this path; mend url: %s", strings.TrimSuffix(e.url.Redacted(), "?"+e.url.RawQuery))
	}
	return nil
}
