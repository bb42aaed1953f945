package sagemaker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

// refusal is the body of a failed invocation. Names are read without regard to
// case: services write message and Message.
type refusal struct {
	Message            string `json:"message"`
	Type               string `json:"__type"`
	OriginalMessage    string
	OriginalStatusCode int
}

// refused makes the error of an invocation that is not 2xx.
func (e *Endpoint) refused(ctx context.Context, signed wire.Credentials, reply exchange.Reply) error {
	var said refusal
	_ = json.Unmarshal(reply.Body, &said) // not JSON: a proxy's page, the status has to do
	name := errorName(firstOf(reply.Header.Get(headerErrorType), said.Type))
	failed := &model.Error{Class: classOf(name, reply, said), Endpoint: e.name, Status: reply.Status}
	if name == "ModelError" {
		failed.OriginalStatus = said.OriginalStatusCode
		failed.Message = model.Excerpt([]byte(firstOf(said.OriginalMessage, said.Message)))
		e.metrics.modelErrors.WithLabelValues(e.name, strconv.Itoa(said.OriginalStatusCode)).Inc()
		return failed
	}
	failed.Message = model.Excerpt([]byte(strings.TrimSpace(name + " " + said.Message)))
	switch failed.Class {
	case model.ClassThrottled:
		e.throttles.Inc()
	case model.ClassDenied:
		failed.Err, failed.Again = e.service.denied(ctx, signed, name, reply.Header)
	case model.ClassNotFound:
		failed.Err = e.absent(name)
	}
	return failed
}

// absent says why an endpoint is not found, by what the last probe saw, and what to do.
// name is the refusal's; without one another server answered.
func (e *Endpoint) absent(name string) error {
	at, region := e.service.base.Host, e.service.region
	switch state := e.State(); {
	case name == "":
		return fmt.Errorf("what answers at %s is no SageMaker; check sagemaker.url and aws.endpoint_url", at)
	case state.Status == missing:
		return fmt.Errorf("there is none of that name in %s; create it, or set sagemaker.endpoint or sagemaker.region", region)
	case state.Status == "Failed":
		return fmt.Errorf("it is Failed (%s); delete it and create it again", firstOf(state.Failure, "no reason is given"))
	case state.Status == "InService" && len(e.targets) > 0:
		return fmt.Errorf("it is in service in %s, but does not have what is asked of it; check variant, target_model, component and session", region)
	case state.Status != "" && state.Status != "InService":
		return fmt.Errorf("it is %s; its events wait until it is InService", state.Status)
	}
	return fmt.Errorf("%s does not know it in %s, or it is not in service; check sagemaker.endpoint, sagemaker.region and sagemaker.url", at, region)
}

// errorName cuts what some services append: Name:http://… and prefix#Name.
func errorName(text string) string {
	text, _, _ = strings.Cut(text, ":")
	return text[strings.LastIndexByte(text, '#')+1:]
}

// classOf goes by the error's name first: throttling comes as a 400.
func classOf(name string, reply exchange.Reply, said refusal) model.Class {
	switch name {
	case "ThrottlingException", "Throttling", "ThrottledException", "TooManyRequestsException", "RequestLimitExceeded":
		return model.ClassThrottled
	case "ModelError":
		return classOfModel(said)
	case "ModelNotReadyException":
		return model.ClassNotReady
	case "InternalFailure", "InternalDependencyException", "ServiceUnavailable":
		return model.ClassUnavailable
	case "ValidationError", "ValidationException":
		return classOfValidation(said.Message)
	}
	if isDenial(name) {
		return model.ClassDenied
	}
	return classOfStatus(reply)
}

// classOfModel: the container failed, and behind the 424 stands its own status.
func classOfModel(said refusal) model.Class {
	switch code := said.OriginalStatusCode; {
	case code == 0:
		return model.ClassTimeout // it did not answer within the service's 60 s
	case code == http.StatusTooManyRequests:
		return model.ClassThrottled
	case code == http.StatusRequestEntityTooLarge:
		return model.ClassTooLarge
	case code == http.StatusNotFound, code == http.StatusMethodNotAllowed:
		return model.ClassNotFound // no /invocations in the container
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return model.ClassDenied
	case code >= 500:
		return model.ClassModelFault
	}
	return model.ClassBadInput
}

// classOfValidation: the service refuses a body for its size only; everything
// else it refuses is the endpoint's or our own configuration, not the event.
func classOfValidation(message string) model.Class {
	m := strings.ToLower(message)
	if strings.Contains(m, "'body'") || strings.Contains(m, "too large") || strings.Contains(m, "payload") {
		return model.ClassTooLarge
	}
	return model.ClassNotFound
}

func isDenial(name string) bool {
	switch name {
	case "AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired":
		return true
	}
	return isStranger(name)
}

// isStranger: the service does not take the caller for who he says he is.
func isStranger(name string) bool {
	switch name {
	case "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
		"InvalidSignatureException", "InvalidToken", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"RequestExpired", "SignatureDoesNotMatch", "TokenRefreshRequired", "UnrecognizedClientException":
		return true
	}
	return false
}

func classOfStatus(reply exchange.Reply) model.Class {
	switch s := reply.Status; {
	case s == http.StatusBadRequest && bytes.Equal(bytes.TrimSpace(reply.Body), []byte(`{"message":null}`)), s == http.StatusTooManyRequests:
		return model.ClassThrottled
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		return model.ClassDenied
	case s == http.StatusRequestEntityTooLarge:
		return model.ClassTooLarge
	case s == http.StatusFailedDependency:
		return model.ClassModelFault
	case s >= 500:
		return model.ClassUnavailable
	case s == http.StatusUnprocessableEntity, s == http.StatusUnsupportedMediaType:
		return model.ClassBadInput
	}
	return model.ClassNotFound // what answers here is no SageMaker endpoint
}

// denied looks for what makes the next call good: the clock, other credentials, or
// what a person has to do. signed is who was refused, name the refusal's.
func (s *service) denied(ctx context.Context, signed wire.Credentials, name string, h http.Header) (cause error, again bool) {
	if off := s.clock.learn(h); off != 0 {
		return fmt.Errorf("this machine's clock is %s off the service's, whose time is taken from now on; set it", off.Abs().Round(time.Second)), true
	}
	again = s.keys != nil && s.keys.renew(ctx, nameOf(signed))
	return errors.New(remedyOf(name)), again
}

func remedyOf(name string) string {
	switch name {
	case "ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired":
		return "the credentials have expired; get new ones, for example with aws sso login"
	case "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException":
		return "there is no such access key; check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN or the profile"
	case "SignatureDoesNotMatch", "InvalidSignatureException":
		return "the secret key is not that of the access key; check AWS_SECRET_ACCESS_KEY or the profile"
	case "InvalidToken":
		return "the session token is not that of the access key; check AWS_SESSION_TOKEN, or unset it"
	case "AccessDenied", "AccessDeniedException", "NotAuthorized":
		return "the credentials are good, but may not do this; allow it to their role"
	}
	return "the credentials are not accepted; check them and the permissions of their role"
}
