package sagemaker

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"betimes/internal/model"
)

// failed makes the error of a request whose failure the service wrote down or told.
// Its words are the only thing it says.
func (a *Async) failed(text string) error {
	e := &model.Error{Class: model.ClassModelFault, Endpoint: a.endpoint.name, Status: http.StatusAccepted, Message: model.Excerpt([]byte(text))}
	if status, ok := statusIn(text); ok {
		e.OriginalStatus, e.Class = status, classOfModel(refusal{OriginalStatusCode: status})
		a.endpoint.metrics.modelErrors.WithLabelValues(a.endpoint.name, strconv.Itoa(status)).Inc()
		return e
	}
	for _, words := range []string{"expired", "failed to download", "failed to upload", "internalservererror", "internalfailure", "no capacity"} {
		if strings.Contains(strings.ToLower(text), words) {
			e.Class = model.ClassUnavailable // it never was the model's
		}
	}
	return e
}

// statusIn finds the container's own status.
func statusIn(text string) (int, bool) {
	found := regexp.MustCompile(`(?i)received (?:client|server) error \((\d{1,3})\)`).FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	status, _ := strconv.Atoi(found[1]) // digits
	return status, true
}
