package inference

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"betimes/internal/lab/emulator/fleet"
)

// refusal is an error answer of the runtime.
type refusal struct {
	status int
	name   string // in x-amzn-ErrorType
	body   []byte

	original int  // of a ModelError: the container's status
	late     bool // of a ModelError: the container took too long
}

// Error gives the name.
func (r *refusal) Error() string { return r.name }

func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["X-Amzn-Errortype"] = []string{r.name}
	h["Content-Length"] = []string{strconv.Itoa(len(r.body))}
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body) // the caller may have gone
}

// invalid is a ValidationError.
func invalid(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, name: "ValidationError", body: object("message", fmt.Sprintf(format, args...))}
}

// statusDependency is AWS's own for InternalDependencyException.
const statusDependency = 530

func throttled() *refusal {
	return &refusal{status: http.StatusBadRequest, name: "ThrottlingException", body: []byte(`{"message":null}`)}
}

func notReady() *refusal {
	return &refusal{status: http.StatusTooManyRequests, name: "ModelNotReadyException", body: object("Message", "Model is not ready for inference.")}
}

func internal() *refusal {
	return &refusal{status: http.StatusInternalServerError, name: "InternalFailure", body: object("Message", "An internal failure occurred.")}
}

func unavailable() *refusal {
	return &refusal{status: http.StatusServiceUnavailable, name: "ServiceUnavailable", body: object("Message", "The service is currently unavailable.")}
}

func dependency() *refusal {
	return &refusal{status: statusDependency, name: "InternalDependencyException", body: object("Message", "An internal dependency failed.")}
}

func object(name, text string) []byte {
	body, _ := json.Marshal(map[string]string{name: text}) // texts always marshal
	return body
}

const timedOut = "Your invocation timed out while waiting for a response from container %s. Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."

type modelError struct {
	ErrorCode          string `json:"ErrorCode"`
	LogStreamArn       string `json:"LogStreamArn"`
	Message            string `json:"Message"`
	OriginalMessage    string `json:"OriginalMessage"`
	OriginalStatusCode int    `json:"OriginalStatusCode"`
}

// modelFailed is a ModelError: what the container answered, status 0 when it did not.
func (s *Service) modelFailed(endpoint string, a fleet.Answer, message string) *refusal {
	status := a.Status
	side, code := "server", "INTERNAL_FAILURE_FROM_MODEL"
	if status >= 400 && status < 500 {
		side, code = "client", "CLIENT_ERROR_FROM_MODEL"
	}
	group := "/aws/sagemaker/Endpoints/" + endpoint
	body, _ := json.Marshal(modelError{ // texts and numbers always marshal
		ErrorCode:    code,
		LogStreamArn: fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", s.Region, s.Account, group),
		Message: fmt.Sprintf("Received %s error (%d) from %s with message \"%s\". See https://%s.console.aws.amazon.com/cloudwatch/home?region=%s#logEventViewer:group=%s in account %s for more information.",
			side, status, a.From(), message, s.Region, s.Region, group, s.Account),
		OriginalMessage: message, OriginalStatusCode: status,
	})
	return &refusal{status: http.StatusFailedDependency, name: "ModelError", body: body, original: status}
}
