package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The settings of F1. A test prints them and compares them with those that were
// laid down before anything was measured.
const (
	inFlight      = 64 // records asked about at once, and connections to the server
	patience      = 5 * time.Second
	mostBuffered  = 1 << 20
	mostBatch     = 1 << 20 // bytes
	fetchMin      = 1       // bytes
	fetchWait     = 500 * time.Millisecond
	linger        = 0
	mostTogether  = 32 // records of one call of the adaptive reference
	mostBacklog   = 1 << 20
	noCompression = true // of HTTP
)

func clientSettings(o options) []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(strings.Split(o.seeds, ",")...),
		kgo.ConsumerGroup(o.group),
		kgo.ConsumeTopics(o.in),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtEnd()),
		kgo.FetchMinBytes(fetchMin),
		kgo.FetchMaxWait(fetchWait),
		kgo.AutoCommitMarks(),
		kgo.BlockRebalanceOnPoll(),
		kgo.DefaultProduceTopic(o.out),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(linger),
		kgo.ProducerBatchCompression(kgo.NoCompression()), // as all others
		kgo.ProducerBatchMaxBytes(mostBatch),
		kgo.MaxBufferedRecords(mostBuffered),
	}
}

func transportSettings() *http.Transport {
	return &http.Transport{MaxIdleConns: inFlight, MaxIdleConnsPerHost: inFlight, MaxConnsPerHost: inFlight, DisableCompression: noCompression}
}
