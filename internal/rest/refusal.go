package rest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

// refused makes the error of an answer that is not 2xx.
func (e *Endpoint) refused(reply exchange.Reply) error {
	return &model.Error{
		Class: classOf(reply.Status), Endpoint: e.name, Status: reply.Status,
		Message: model.Excerpt(reply.Body), Err: e.advice(reply),
	}
}

// classOf: who is to blame for a status of a plain HTTP server.
func classOf(status int) model.Class {
	switch status {
	case http.StatusTooManyRequests:
		return model.ClassThrottled
	case http.StatusTooEarly:
		return model.ClassNotReady
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return model.ClassUnavailable
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return model.ClassTimeout
	case http.StatusRequestEntityTooLarge:
		return model.ClassTooLarge
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return model.ClassDenied
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone, http.StatusNotImplemented:
		return model.ClassNotFound
	}
	switch {
	case status >= 500:
		return model.ClassModelFault
	case status >= 400:
		return model.ClassBadInput
	}
	return model.ClassNotFound // a redirect, or something HTTP does not know
}

// advice says what to change where the status tells it.
func (e *Endpoint) advice(reply exchange.Reply) error {
	switch classOf(reply.Status) {
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
