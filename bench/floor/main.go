// Command floor is what no system of this kind can beat: F0 takes records from
// one topic and puts them into another; F1 asks an HTTP server about each in
// between, 64 at a time. It promises less than betimes does: order within a
// key is not kept, offsets may be committed early and nothing is tried twice.
//
// It is the one program outside the kafka door that uses the Kafka client
// itself: the floor must not hold anything of what is measured against it.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// inFlight is how many records are asked about at once, and how many
// connections the server is held with.
const inFlight = 64

type options struct {
	seeds, in, out, group, url string
}

func main() {
	var o options
	flag.StringVar(&o.seeds, "seeds", "", "brokers, HOST:PORT,…")
	flag.StringVar(&o.in, "in", "", "topic to read")
	flag.StringVar(&o.out, "out", "", "topic to write, with as many partitions")
	flag.StringVar(&o.group, "group", "floor", "consumer group")
	flag.StringVar(&o.url, "url", "", "server that is posted to; empty: none, F0")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(o.seeds, ",")...),
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.in),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchMinBytes(1),
		kgo.FetchMaxWait(500*time.Millisecond),
		kgo.AutoCommitMarks(),
		kgo.BlockRebalanceOnPoll(),
		kgo.DefaultProduceTopic(o.out),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(1<<20),
		kgo.MaxBufferedRecords(1<<20),
	)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer client.Close()
	pump(ctx, client, asker(o.url))
	return nil
}

// pump carries records until ctx ends.
func pump(ctx context.Context, client *kgo.Client, ask func([]byte) ([]byte, error)) {
	free := make(chan struct{}, inFlight)
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachRecord(func(in *kgo.Record) {
			if ask == nil {
				produce(ctx, client, in, in.Value)
				return
			}
			free <- struct{}{}
			go func() {
				defer func() { <-free }()
				value, err := ask(in.Value)
				if err != nil {
					fmt.Fprintln(os.Stderr, "floor: ask:", err)
					return
				}
				produce(ctx, client, in, value)
			}()
		})
		client.AllowRebalance()
	}
}

// produce writes the outcome to the partition of the same number and marks the
// record it came from when that is acknowledged.
func produce(ctx context.Context, client *kgo.Client, in *kgo.Record, value []byte) {
	out := &kgo.Record{Key: in.Key, Value: value, Partition: in.Partition}
	client.Produce(ctx, out, func(_ *kgo.Record, err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor: produce:", err)
			return
		}
		client.MarkCommitRecords(in)
	})
}

// asker posts to a server; nil when there is none.
func asker(url string) func([]byte) ([]byte, error) {
	if url == "" {
		return nil
	}
	server := &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			MaxIdleConns: inFlight, MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight, DisableCompression: true,
		},
	}
	return func(body []byte) ([]byte, error) {
		res, err := server.Post(url, "application/json", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("status %d", res.StatusCode)
		}
		return io.ReadAll(res.Body)
	}
}
