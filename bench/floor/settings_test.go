package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestTheFloorsSettingsAreThoseLaidDown(t *testing.T) {
	client, err := kgo.NewClient(clientSettings(options{seeds: "127.0.0.1:1", in: "in", out: "out", group: "g"})...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	transport := transportSettings()
	is := func(option any) string { return fmt.Sprint(client.OptValue(option)) }
	for _, s := range []struct{ what, got, want string }{
		{"linger", is(kgo.ProducerLinger), "0s"},
		{"fetch min bytes", is(kgo.FetchMinBytes), "1"},
		{"fetch max wait", is(kgo.FetchMaxWait), "500ms"},
		{"start", is(kgo.ConsumeResetOffset), fmt.Sprint(kgo.NewOffset().AtEnd())},
		{"commits of what is marked", is(kgo.AutoCommitMarks), "true"},
		{"no rebalance between polls", is(kgo.BlockRebalanceOnPoll), "true"},
		{"partitioner", fmt.Sprintf("%T", client.OptValue(kgo.RecordPartitioner)), fmt.Sprintf("%T", kgo.ManualPartitioner())},
		{"buffered records", is(kgo.MaxBufferedRecords), fmt.Sprint(1 << 20)},
		{"batch bytes", is(kgo.ProducerBatchMaxBytes), fmt.Sprint(1 << 20)},
		{"in flight", fmt.Sprint(inFlight), "64"},
		{"idle connections", fmt.Sprint(transport.MaxIdleConnsPerHost), "64"},
		{"connections", fmt.Sprint(transport.MaxConnsPerHost), "64"},
		{"HTTP compression off", fmt.Sprint(transport.DisableCompression), "true"},
		{"timeout", patience.String(), (5 * time.Second).String()},
		{"adaptive: records of a call", fmt.Sprint(mostTogether), "32"},
	} {
		t.Logf("%-28s %s", s.what, s.got)
		if s.got != s.want {
			t.Errorf("%s is %s; laid down was %s", s.what, s.got, s.want)
		}
	}
}

func TestAWorkerTakesWhatWaitsAndNoMoreThanMayGoTogether(t *testing.T) {
	line := make(chan *kgo.Record, 100)
	for range 40 {
		line <- &kgo.Record{}
	}
	if n := len(drained(&kgo.Record{}, line)); n != 32 {
		t.Errorf("%d of 41", n)
	}
	if n := len(drained(&kgo.Record{}, line)); n != 10 {
		t.Errorf("%d of the 10 that are left", n)
	}
}
