package exchange

import (
	"net/http"

	"betimes/internal/model"
)

// ClassOfStatus says who is to blame for a status of a plain HTTP server.
func ClassOfStatus(status int) model.Class {
	switch status {
	case http.StatusTooManyRequests:
		return model.ClassThrottled
	case http.StatusTooEarly:
		return model.ClassNotReady
	case http.StatusServiceUnavailable:
		return model.ClassUnavailable
	case http.StatusBadGateway: // a proxy says that the server hung up
		return model.ClassConnection
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
