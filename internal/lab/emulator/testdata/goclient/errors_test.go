package goclient

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	control "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/smithy-go"
)

type fault map[string]any

// inject lets invocations of an endpoint go wrong until the emulator ends.
func (b *box) inject(endpoint string, f fault) {
	f["match"] = map[string]string{"endpoint": endpoint}
	b.own("POST", "/_emu/faults", f)
}

// as says whether err is of the class E.
func as[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

// unmodelled says whether err is a refusal that the SDK has no class for.
func unmodelled(err error) bool { return as[*smithy.GenericAPIError](err) }

func TestInjectedErrorsHaveTheirClassAndAreRetriedAsTheSDKDoes(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	for _, c := range []struct {
		name, code string
		fault      fault
		class      func(error) bool
		attempts   int
	}{
		{"throttle", "ThrottlingException", fault{}, unmodelled, 3},
		{"not_ready", "ModelNotReadyException", fault{}, as[*types.ModelNotReadyException], 1},
		{"internal", "InternalFailure", fault{}, as[*types.InternalFailure], 3},
		{"unavailable", "ServiceUnavailable", fault{}, as[*types.ServiceUnavailable], 3},
		{"dependency", "InternalDependencyException", fault{}, as[*types.InternalDependencyException], 1},
		{"model_error", "ModelError", fault{"status": 503, "body": "out of memory"}, as[*types.ModelError], 1},
	} {
		name := strings.ReplaceAll(c.name, "_", "-")
		b.config(name, "builtin:echo", 1)
		b.deploy(name, name)
		c.fault["fault"] = c.name
		b.inject(name, c.fault)
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := b.rt.InvokeEndpoint(t.Context(), invocation(name, "x"))
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorCode() != c.code || !c.class(err) {
				t.Errorf("the error is %T %v", errors.Unwrap(err), err)
			}
			tries := 0
			for _, e := range b.journal("request", "InvokeEndpoint") {
				if e.Resource == "endpoint/"+name && e.Error == c.code {
					tries++
				}
			}
			if tries != c.attempts {
				t.Errorf("%d attempts, want %d", tries, c.attempts)
			}
		})
	}
}

func TestAModelErrorCarriesWhatTheContainerSaid(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.config("fraud", "builtin:echo", 1)
	b.deploy("fraud", "fraud")
	b.inject("fraud", fault{"fault": "model_error", "status": 415, "body": "not a number"})
	_, err := b.invoke("fraud", "x")
	var failed *types.ModelError
	if !errors.As(err, &failed) || aws.ToInt32(failed.OriginalStatusCode) != 415 || text(failed.OriginalMessage) != "not a number" ||
		text(failed.LogStreamArn) != "arn:aws:logs:us-east-1:000000000000:log-group:/aws/sagemaker/Endpoints/fraud" ||
		!strings.HasPrefix(failed.ErrorMessage(), `Received client error (415) from primary with message "not a number". See https://us-east-1.console.aws.amazon.com/`) {
		t.Errorf("the error is %v", err)
	}
	_, err = b.invoke("Fraud", "x")
	var invalid *types.ValidationError
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Endpoint Fraud of account 000000000000 not found." {
		t.Errorf("in another case: %v", err)
	}
}

func TestRefusalsAreInTheWordsOfAWS(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	ctx := t.Context()
	b.config("fraud", "builtin:echo", 1)
	b.deploy("fraud", "fraud")
	arn := "arn:aws:sagemaker:us-east-1:000000000000:"
	describe := func(name string) error {
		_, err := b.sm.DescribeEndpoint(ctx, &sagemaker.DescribeEndpointInput{EndpointName: &name})
		return err
	}
	create := func(in sagemaker.CreateModelInput) error {
		_, err := b.sm.CreateModel(ctx, &in)
		return err
	}
	for _, c := range []struct {
		name, code, says string
		err              error
	}{
		{"a missing endpoint", "ValidationException", `Could not find endpoint "` + arn + `endpoint/None".`, describe("None")},
		{"a name that is too long", "ValidationException", "Member must have length less than or equal to 63", describe(strings.Repeat("x", 64))},
		{"a name with a space", "ValidationException", "1 validation error detected: Value 'a b' at 'modelName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?",
			create(sagemaker.CreateModelInput{ModelName: aws.String("a b"), PrimaryContainer: &control.ContainerDefinition{Image: aws.String("i")}})},
		{"a second model of that name", "ValidationException", `Cannot create already existing model "` + arn + `model/fraud".`,
			create(sagemaker.CreateModelInput{ModelName: aws.String("fraud"), PrimaryContainer: &control.ContainerDefinition{Image: aws.String("i")}})},
		{"two mistakes at once", "ValidationException", "2 validation errors detected: ",
			create(sagemaker.CreateModelInput{ModelName: aws.String("-"), ExecutionRoleArn: aws.String("nobody-is-this-role-anywhere"), PrimaryContainer: &control.ContainerDefinition{Image: aws.String("i")}})},
		{"an enum", "ValidationException", "Value 'Sideways' at 'sortOrder' failed to satisfy constraint: Member must satisfy enum value set: [Ascending, Descending]", func() error {
			_, err := b.sm.ListModels(ctx, &sagemaker.ListModelsInput{SortOrder: "Sideways"})
			return err
		}()},
		{"an operation that is not built", "UnknownOperationException", `"ListPipelines"`, func() error {
			_, err := b.sm.ListPipelines(ctx, &sagemaker.ListPipelinesInput{})
			return err
		}()},
	} {
		t.Run(c.name, func(t *testing.T) {
			var api smithy.APIError
			if !errors.As(c.err, &api) || api.ErrorCode() != c.code || !strings.Contains(api.ErrorMessage(), c.says) {
				t.Errorf("the error is %v", c.err)
			}
		})
	}
}

func TestAnAnswerThatBreaksOffIsAskedForAgainOnlyAfterAReset(t *testing.T) {
	t.Parallel()
	b := start(t, "instant")
	b.config("echo", "builtin:echo", 1)
	for _, c := range []struct {
		kind     string
		attempts int
	}{{"reset", 2}, {"truncate", 1}} {
		b.deploy(c.kind, "echo")
		b.inject(c.kind, fault{"fault": c.kind, "count": 1})
		got, err := b.invoke(c.kind, "hello world")
		if c.attempts == 1 && !errors.Is(err, io.ErrUnexpectedEOF) || c.attempts == 2 && (err != nil || string(got.Body) != "hello world") {
			t.Errorf("%s: %v", c.kind, err)
		}
		tries := 0
		for asked := 0; tries < c.attempts && asked < 1000; asked++ { // the end of a cut answer is noted after it
			tries = 0
			for _, e := range b.journal("request", "InvokeEndpoint") {
				if e.Resource == "endpoint/"+c.kind {
					tries++
				}
			}
		}
		if tries != c.attempts {
			t.Errorf("%s: %d attempts, want %d", c.kind, tries, c.attempts)
		}
	}
}
