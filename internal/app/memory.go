package app

import (
	"os"
	"strconv"
	"strings"
)

// cgroupLimits are where a container's memory limit stands: cgroup v2, then v1.
var cgroupLimits = [...]string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

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
