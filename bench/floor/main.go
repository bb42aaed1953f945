// Command floor is what no system of this kind can beat: F0 takes records from
// one topic and puts them into another; F1 asks an HTTP server about each in
// between, 64 at a time; told how many executors the server has, it asks with as
// many workers, each about all records that wait. It promises less than betimes does: order within a
// key is not kept, offsets may be committed early and nothing is tried twice.
//
// It is the one program outside the kafka door that uses the Kafka client
// itself: the floor must not hold anything of what is measured against it.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/twmb/franz-go/pkg/kgo"
)

type options struct {
	seeds, in, out, group, url, ca string
	blocking                       bool
	adaptive                       int
}

func main() {
	var o options
	flag.StringVar(&o.seeds, "seeds", "", "brokers, HOST:PORT,…")
	flag.StringVar(&o.in, "in", "", "topic to read")
	flag.StringVar(&o.out, "out", "", "topic to write, with as many partitions")
	flag.StringVar(&o.group, "group", "floor", "consumer group")
	flag.StringVar(&o.url, "url", "", "server that is posted to; empty: none, F0")
	flag.StringVar(&o.ca, "ca", "", "file of the server's certificate authority")
	flag.BoolVar(&o.blocking, "blocking", false, "one call in flight per partition, as a plain consumer makes them")
	flag.IntVar(&o.adaptive, "adaptive", 0, "executors of the model: as many workers, each asks about all records that wait, up to 32; 0: one record per call")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	client, err := kgo.NewClient(clientSettings(o)...)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	defer client.Close()
	ask, err := asker(o.url, o.ca)
	if err != nil {
		return err
	}
	p := pump{client: client, ask: ask, free: make(chan struct{}, inFlight), queues: map[int32]chan []*kgo.Record{}}
	each := p.parallel
	switch {
	case o.blocking:
		each = p.inTurn
	case o.adaptive > 0:
		each = p.together(ctx, o.adaptive)
	}
	for ctx.Err() == nil {
		fetches := client.PollFetches(ctx)
		fetches.EachPartition(func(f kgo.FetchTopicPartition) { each(ctx, f.Records) })
		client.AllowRebalance()
	}
	return nil
}

// pump carries records.
type pump struct {
	client *kgo.Client
	ask    func([]byte) ([]byte, error) // nil: F0
	free   chan struct{}
	queues map[int32]chan []*kgo.Record // of partitions that are worked on in turn
}

// parallel carries records as soon as one of 64 is free.
func (p *pump) parallel(ctx context.Context, records []*kgo.Record) {
	for _, in := range records {
		if p.ask == nil {
			p.produce(ctx, in, in.Value)
			continue
		}
		p.free <- struct{}{}
		go func() {
			defer func() { <-p.free }()
			p.carry(ctx, in)
		}()
	}
}

// queued is how many polls a partition that is worked on in turn may be behind.
const queued = 1 << 16

// inTurn carries the records of one partition one after the other, beside other
// partitions.
func (p *pump) inTurn(ctx context.Context, records []*kgo.Record) {
	if len(records) == 0 {
		return
	}
	q := p.queues[records[0].Partition]
	if q == nil {
		q = make(chan []*kgo.Record, queued)
		p.queues[records[0].Partition] = q
		go func() {
			for some := range q {
				for _, in := range some {
					p.carry(ctx, in)
				}
			}
		}()
	}
	q <- records
}

func (p *pump) carry(ctx context.Context, in *kgo.Record) {
	value, err := p.ask(in.Value)
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor: ask:", err)
		return
	}
	p.produce(ctx, in, value)
}

// produce writes the outcome to the partition of the same number and marks the
// record it came from when that is acknowledged.
func (p *pump) produce(ctx context.Context, in *kgo.Record, value []byte) {
	out := &kgo.Record{Key: in.Key, Value: value, Partition: in.Partition}
	p.client.Produce(ctx, out, func(_ *kgo.Record, err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "floor: produce:", err)
			return
		}
		p.client.MarkCommitRecords(in)
	})
}

// asker posts to a server; nil when there is none.
func asker(url, ca string) (func([]byte) ([]byte, error), error) {
	if url == "" {
		return nil, nil
	}
	transport := transportSettings()
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	server := &http.Client{Timeout: patience, Transport: transport}
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
	}, nil
}
