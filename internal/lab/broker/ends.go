package broker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Retention removes every record of a partition once all are old, and then a
// restart of kfake begins that partition at offset 0 again: committed offsets
// would lie beyond its end. So the ends are noted beside the records, also just
// before records are removed, and an empty partition is given its end back at the start.

// noteEvery is how often the ends are noted.
const noteEvery = 10 * time.Second

// ends are the ends of partitions by topic id: a topic made anew has another.
type ends map[string][]partitionEnd

type partitionEnd struct {
	Offset int64 `json:"offset"`
	Epoch  int32 `json:"epoch"`
}

// topic is one of kfake's topics.json.
type topic struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	Partitions int    `json:"partitions"`
}

func (h *home) topics() ([]topic, error) {
	var file struct {
		Topics []topic `json:"topics"`
	}
	return file.Topics, readJSON(filepath.Join(h.records(), "topics.json"), &file)
}

// partition is the folder of one.
func (h *home) partition(t topic, n int) string {
	return filepath.Join(h.records(), "partitions", url.PathEscape(t.Name)+"-"+strconv.Itoa(n))
}

func (h *home) endsFile() string { return filepath.Join(h.dir, "ends.json") }

// readJSON leaves v as it is when there is no such file.
func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(data, v)
	}
	if err != nil {
		return fmt.Errorf("embedded brokers: %s: %w", path, err)
	}
	return nil
}

// noteEnds notes the ends until ctx ends.
func (c *Cluster) noteEnds(ctx context.Context) {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := c.saveEnds(); err != nil {
				c.log.Warn("ends of partitions are not noted", "error", err)
			}
		}
	}
}

// saveEnds writes the ends when they changed.
func (c *Cluster) saveEnds() error {
	c.noting.Lock()
	defer c.noting.Unlock()
	topics, err := c.home.topics()
	if err != nil {
		return err
	}
	now := make(ends)
	for _, t := range topics {
		now[t.ID] = endsOf(c.fake.PartitionInfos(t.Name))
	}
	if maps.EqualFunc(now, c.noted, slices.Equal) {
		return nil
	}
	data, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	if err := replaceFile(c.home.endsFile(), data); err != nil {
		return err
	}
	c.noted = now
	return nil
}

func endsOf(infos []*kfake.PartitionInfo) []partitionEnd {
	list := make([]partitionEnd, len(infos))
	for _, p := range infos {
		if int(p.Partition) < len(list) {
			list[p.Partition] = partitionEnd{p.HighWatermark, p.Epoch}
		}
	}
	return list
}

// restoreEnds gives partitions without records their ends back.
func (h *home) restoreEnds() error {
	noted := make(ends)
	if err := readJSON(h.endsFile(), &noted); err != nil {
		return err
	}
	topics, err := h.topics()
	if err != nil {
		return err
	}
	for _, t := range topics {
		for n, end := range noted[t.ID] {
			dir := h.partition(t, n)
			if end.Offset == 0 || n >= t.Partitions || hasRecords(dir) {
				continue
			}
			if err := writeEmpty(dir, end); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasRecords(dir string) bool {
	entries, _ := os.ReadDir(dir) // no folder: no records
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		info, err := e.Info()
		return err == nil && strings.HasSuffix(e.Name(), ".dat") && info.Size() > 0
	})
}

// writeEmpty writes the snapshot of a partition that holds nothing and goes on
// at end: kfake believes a snapshot that names the segments there are.
func writeEmpty(dir string, end partitionEnd) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	snapshot, err := json.Marshal(map[string]any{
		"version": 1, "high_watermark": end.Offset, "last_stable_offset": end.Offset, "log_start_offset": end.Offset,
		"epoch": end.Epoch, "created_at": time.Now(), "segments": []map[string]int64{{"base_offset": end.Offset, "size": 0}},
	})
	if err != nil {
		return fmt.Errorf("embedded brokers: %w", err)
	}
	if err := replaceFile(filepath.Join(dir, strconv.FormatInt(end.Offset, 10)+".dat"), nil); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "snapshot.json"), snapshot)
}
