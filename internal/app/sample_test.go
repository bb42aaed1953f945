package app

import (
	"maps"
	"testing"
)

func TestASampleIsSplitOverThePartitions(t *testing.T) {
	for name, c := range map[string]struct {
		n    int
		held map[int32]int64
		want map[int32]int64
	}{
		"all hold enough":                {30, map[int32]int64{0: 100, 1: 100, 2: 100}, map[int32]int64{0: 10, 1: 10, 2: 10}},
		"one holds all":                  {20, map[int32]int64{0: 0, 1: 100, 2: 0}, map[int32]int64{0: 0, 1: 20, 2: 0}},
		"one holds little":               {30, map[int32]int64{0: 4, 1: 100, 2: 100}, map[int32]int64{0: 4, 1: 13, 2: 13}},
		"there is less than is asked":    {30, map[int32]int64{0: 4, 1: 5}, map[int32]int64{0: 4, 1: 5}},
		"there are more partitions":      {2, map[int32]int64{0: 9, 1: 9, 2: 9}, map[int32]int64{0: 1, 1: 1, 2: 1}},
		"an empty topic has no records":  {5, map[int32]int64{0: 0, 1: 0}, map[int32]int64{0: 0, 1: 0}},
		"a partition that was truncated": {5, map[int32]int64{0: -3, 1: 7}, map[int32]int64{0: 0, 1: 5}},
	} {
		t.Run(name, func(t *testing.T) {
			starts, ends := map[int32]int64{}, map[int32]int64{}
			for p, n := range c.held {
				starts[p], ends[p] = 1000, 1000+n
			}
			if got := shares(starts, ends, c.n); !maps.Equal(got, c.want) {
				t.Errorf("split as %v, want %v", got, c.want)
			}
		})
	}
}
