package app

import (
	"os"
	"strconv"
	"strings"

	"betimes/internal/config"
	"betimes/internal/model/exchange"
)

// cgroupLimits are where a container's memory limit stands: cgroup v2, then v1.
var cgroupLimits = [...]string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

// answersOf is what answers of models may take together while they are read: some of the
// memory, enough for two of the largest.
func answersOf(c config.Config) int64 {
	limit := int64(c.Memory)
	if limit == 0 {
		limit = availableMemory()
	}
	return max(limit/8, 2*exchange.MaxAnswerBytes)
}

// availableMemory is 90 % of the container's limit, else 1 GiB.
func availableMemory() int64 {
	for _, file := range cgroupLimits {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 && n < 1<<50 {
			return n / 10 * 9
		}
	}
	return 1 << 30
}
