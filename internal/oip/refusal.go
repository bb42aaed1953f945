package oip

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
)

var errCredentials = errors.New("the server wants credentials; set headers.Authorization, best as file:PATH")

// refused makes the error of an HTTP answer that is not 2xx.
func (h *overHTTP) refused(reply exchange.Reply, u *url.URL) error {
	e := &model.Error{Class: exchange.ClassOfStatus(reply.Status), Endpoint: h.name, Status: reply.Status, Message: model.Excerpt(reply.Body)}
	// Triton says 400 of a model that it does not have.
	if e.Status == http.StatusBadRequest && strings.Contains(e.Message, "unknown model") {
		e.Class = model.ClassNotFound
	}
	switch e.Class {
	case model.ClassDenied:
		e.Err = errCredentials
	case model.ClassNotFound:
		e.Err = fmt.Errorf("nothing answers at %s; mend url, model or version", u)
	}
	return e
}
