package goclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// compared is the SDK's own HTTP client, and looks at what the control plane
// answers: only members that the SDK's fixtures of replies have, of the same types.
type compared struct {
	t      *testing.T
	client sagemaker.HTTPClient
}

// Do sends a request.
func (c compared) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(r)
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "SageMaker.")
	if err != nil || !ok || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if err == nil {
		err = fits(operation, body)
	}
	if err != nil {
		c.t.Errorf("%s: %v", operation, err)
	}
	return resp, nil
}

// fits compares a reply with its fixture.
func fits(operation string, body []byte) error {
	dirs, err := modules()
	if err != nil {
		return err
	}
	f, err := readFixture(filepath.Join(dirs["sagemaker"], "response_snapshot", operation+".response.snap"))
	if errors.Is(err, fs.ErrNotExist) { // nothing is answered
		f.body = []byte("{}")
	} else if err != nil {
		return err
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(f.body, &want), json.Unmarshal(body, &got)); err != nil {
		return fmt.Errorf("%w in %s", err, body)
	}
	return compare("", want, got)
}

// compare walks down a reply.
func compare(at string, want, got any) error {
	if fmt.Sprintf("%T", want) != fmt.Sprintf("%T", got) {
		return fmt.Errorf("%s is %v, the SDK expects the like of %v", at, got, want)
	}
	var errs []error
	switch got := got.(type) {
	case map[string]any:
		known := want.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(got)) {
			inner, ok := known[name]
			if every, isMap := known["key0"]; isMap {
				inner, ok = every, true
			}
			if !ok {
				errs = append(errs, fmt.Errorf("the SDK does not know %s.%s", at, name))
				continue
			}
			errs = append(errs, compare(at+"."+name, inner, got[name]))
		}
	case []any:
		for _, one := range got {
			errs = append(errs, compare(at+"[]", want.([]any)[0], one))
		}
	}
	return errors.Join(errs...)
}

func TestTheComparisonFindsWhatDoesNotFit(t *testing.T) {
	for _, c := range []struct{ operation, body, says string }{
		{"DescribeEndpoint", `{"EndpointName":"x","ProductionVariants":[{"VariantName":"a","Weight":1}]}`, "the SDK does not know .ProductionVariants[].Weight"},
		{"DescribeEndpoint", `{"CreationTime":"today"}`, ".CreationTime is today"},
		{"DescribeTrainingJob", `{"HyperParameters":{"any":1}}`, ".HyperParameters.any is 1"},
		{"DeleteEndpoint", `{"EndpointArn":"x"}`, "the SDK does not know .EndpointArn"},
	} {
		if err := fits(c.operation, []byte(c.body)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s %s: %v", c.operation, c.body, err)
		}
	}
	if err := fits("DescribeTrainingJob", []byte(`{"HyperParameters":{"any":"1"},"TrainingTimeInSeconds":1}`)); err != nil {
		t.Error(err)
	}
}
