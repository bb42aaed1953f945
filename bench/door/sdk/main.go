// Command sdk is the client of one turn of the bench's scenario door that asks with
// the AWS SDK for Go: an own module, so that betimes itself never compiles it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"

	"betimes/bench/door/callers"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "sdk:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o callers.Order
	o.Flags(flag.CommandLine)
	tuned := flag.Bool("tuned", false, "keep 256 connections and try nothing twice, as who knows its defaults sets it")
	flag.Parse()
	options := []func(*config.LoadOptions) error{config.WithBaseEndpoint(o.URL)}
	if *tuned {
		options = append(options, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), config.WithHTTPClient(pool()))
	}
	c, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return err
	}
	out, err := o.Run(ctx, asking(sagemakerruntime.NewFromConfig(c), o))
	return errors.Join(err, out.Write(os.Stdout))
}

// pool is the SDK's own client with as many connections as betimes keeps.
func pool() *awshttp.BuildableClient {
	const connections = 256
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = connections, connections, connections
	})
}

func asking(client *sagemakerruntime.Client, o callers.Order) callers.Ask {
	const patience = 10 * time.Second
	return func(ctx context.Context, n int64, body []byte) ([]byte, error) {
		out, err := client.InvokeEndpoint(ctx, &sagemakerruntime.InvokeEndpointInput{
			EndpointName: &o.Endpoint, ContentType: aws.String("text/csv"), Accept: aws.String("text/csv"), InferenceId: aws.String(strconv.FormatInt(n, 10)),
			CustomAttributes: aws.String("betimes-deadline=" + strconv.FormatInt(time.Now().Add(patience).UnixMicro(), 10)), Body: body,
		})
		if err != nil {
			return nil, err
		}
		return out.Body, nil
	}
}
