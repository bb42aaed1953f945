// Command asks makes the calls that it reads from stdin, one after the other, with
// the AWS SDK for Go: {"service":…,"operation":…,"input":{…}}, one a line. What is
// answered does not matter; who listens looks at the requests.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	if err := run(context.Background(), os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "asks:", err)
		os.Exit(1)
	}
}

// call is one line. Payload is the body of calls whose input has a reader.
type call struct {
	Service, Operation string
	Input              json.RawMessage
	Payload            []byte
}

func run(ctx context.Context, in io.Reader) error {
	c, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return err
	}
	clients := map[string]any{
		"sagemaker": sagemaker.NewFromConfig(c), "runtime": sagemakerruntime.NewFromConfig(c), "sqs": sqs.NewFromConfig(c),
		"s3": s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }),
	}
	for lines := json.NewDecoder(in); ; {
		var one call
		if err := lines.Decode(&one); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := one.make(ctx, clients[one.Service]); err != nil {
			return fmt.Errorf("%s %s: %w", one.Service, one.Operation, err)
		}
	}
}

// make makes the call; an input that the SDK does not know is an error.
func (c call) make(ctx context.Context, client any) error {
	method := reflect.ValueOf(client).MethodByName(c.Operation)
	if !method.IsValid() {
		return errors.New("the SDK has no such operation")
	}
	input := reflect.New(method.Type().In(1).Elem())
	strict := json.NewDecoder(bytes.NewReader(c.Input))
	strict.DisallowUnknownFields()
	if err := strict.Decode(input.Interface()); err != nil {
		return err
	}
	if body := input.Elem().FieldByName("Body"); c.Payload != nil && body.Kind() == reflect.Interface {
		body.Set(reflect.ValueOf(bytes.NewReader(c.Payload)))
	} else if c.Payload != nil {
		body.SetBytes(c.Payload)
	}
	method.Call([]reflect.Value{reflect.ValueOf(ctx), input})
	return nil
}
