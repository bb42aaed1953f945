package kafka

import (
	"context"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

func TestOffsetsOfSomePartitionsDoNotDependOnTheOthers(t *testing.T) {
	at := func(offset int64, err error) kadm.ListedOffset { return kadm.ListedOffset{Offset: offset, Err: err} }
	partly := errors.New("1 of 2 brokers answered") // as the library says it of a partition without leader
	for name, c := range map[string]struct {
		listed  kadm.ListedOffsets
		err     error
		numbers []int32
		want    map[Partition]int64 // nil: an error
	}{
		"all are told":                              {kadm.ListedOffsets{"a": {0: at(3, nil), 1: at(4, nil)}}, nil, nil, map[Partition]int64{{"a", 0}: 3, {"a", 1}: 4}},
		"of all, one has no leader":                 {kadm.ListedOffsets{"a": {0: at(3, nil)}}, partly, nil, nil},
		"another has no leader":                     {kadm.ListedOffsets{"a": {0: at(3, nil)}}, partly, []int32{0}, map[Partition]int64{{"a", 0}: 3}},
		"another's broker refuses":                  {kadm.ListedOffsets{"a": {0: at(3, nil), 1: at(0, kerr.TopicAuthorizationFailed)}}, nil, []int32{0}, map[Partition]int64{{"a", 0}: 3}},
		"it has no leader itself":                   {kadm.ListedOffsets{"a": {0: at(3, nil)}}, partly, []int32{1}, nil},
		"it is one of two that are asked":           {kadm.ListedOffsets{"a": {0: at(3, nil)}}, partly, []int32{0, 1}, nil},
		"there is no such partition":                {kadm.ListedOffsets{"a": {0: at(3, nil)}}, nil, []int32{7}, nil},
		"there is no such topic":                    {kadm.ListedOffsets{"a": {-1: at(0, kerr.UnknownTopicOrPartition)}}, nil, []int32{0}, nil},
		"there is no such topic, and all are asked": {kadm.ListedOffsets{"a": {-1: at(0, kerr.UnknownTopicOrPartition)}}, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			lister := func(context.Context, ...string) (kadm.ListedOffsets, error) { return c.listed, c.err }
			got, err := (&Cluster{}).list(t.Context(), []string{"a"}, c.numbers, lister)
			if (err == nil) != (c.want != nil) || len(got) != len(c.want) {
				t.Fatalf("got %v, %v; want %v", got, err, c.want)
			}
			for p, offset := range c.want {
				if got[p] != offset {
					t.Errorf("%s is at %d, want %d", p, got[p], offset)
				}
			}
		})
	}
}
