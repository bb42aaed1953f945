// Command door is the client of one turn of the bench's scenario door: the sagemaker
// door, or the floor, a plain client of net/http that does nothing but what a signed
// call needs. The client of the AWS SDK is a module of its own, in sdk.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"betimes/bench/door/callers"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
	"betimes/internal/sagemaker/wire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "door:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o callers.Order
	o.Flags(flag.CommandLine)
	floor := flag.Bool("floor", false, "ask with net/http instead of the door")
	flag.Parse()
	ask, err := door(ctx, o)
	if *floor {
		ask, err = bare(o)
	}
	if err != nil {
		return err
	}
	out, err := o.Run(ctx, ask)
	return errors.Join(err, out.Write(os.Stdout))
}

// patience is how far ahead the deadline of a call is.
const patience = 10 * time.Second

// door asks as the chain does.
func door(ctx context.Context, o callers.Order) (callers.Ask, error) {
	account, err := sagemaker.NewAccount(ctx, sagemaker.AWSConfig{EndpointURL: o.URL, Region: region}, sagemaker.Deps{})
	if err != nil {
		return nil, err
	}
	c := sagemaker.DefaultConfig()
	c.Endpoint = o.Endpoint
	endpoint, err := account.Endpoint(c)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, n int64, body []byte) ([]byte, error) {
		r := model.Request{
			Model: o.Endpoint, ContentType: "text/csv", Accept: "text/csv", InferenceID: strconv.FormatInt(n, 10),
			Items: []model.Item{{Body: body, Deadline: time.Now().Add(patience)}},
		}
		resp, err := endpoint.Invoke(ctx, &r)
		if err != nil {
			return nil, err
		}
		return resp.Answers[0].Body, resp.Answers[0].Err
	}, nil
}

const region = "us-east-1"

// bare makes the same calls with nothing around them: the signature is the door's
// own, the quickest there is here.
func bare(o callers.Order) (callers.Ask, error) {
	address, err := url.Parse(o.URL + "/endpoints/" + o.Endpoint + "/invocations")
	if err != nil {
		return nil, err
	}
	signer := wire.NewSigner(region, "sagemaker")
	keys := wire.Credentials{AccessKey: os.Getenv("AWS_ACCESS_KEY_ID"), Secret: os.Getenv("AWS_SECRET_ACCESS_KEY")}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		MaxIdleConns: connections, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true,
	}}
	return func(ctx context.Context, n int64, body []byte) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Content-Type", "text/csv")
		r.Header.Set("Accept", "text/csv")
		r.Header.Set("X-Amzn-Sagemaker-Inference-Id", strconv.FormatInt(n, 10))
		r.Header.Set("X-Amzn-Sagemaker-Custom-Attributes", "betimes-deadline="+strconv.FormatInt(time.Now().Add(patience).UnixMicro(), 10))
		signer.Sign(wire.Request{Method: r.Method, URL: r.URL, Header: r.Header, PayloadHash: wire.PayloadHash(body)}, keys, time.Now())
		got, err := client.Do(r)
		if err != nil {
			return nil, err
		}
		defer got.Body.Close()
		answer, err := io.ReadAll(got.Body)
		if err == nil && got.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %d: %s", got.StatusCode, answer)
		}
		return answer, err
	}, nil
}

// connections is as many as the door keeps by default.
const connections = 256
