package app

import (
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"betimes/internal/config"
	"betimes/internal/model/exchange"
	"betimes/internal/setting"
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

// availableMemory is what GOMEMLIMIT says, else 90 % of the container's limit, else 1 GiB.
func availableMemory() int64 {
	var said setting.Bytes
	if said.UnmarshalText([]byte(os.Getenv("GOMEMLIMIT"))) == nil && said > 0 {
		return int64(said)
	}
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

// untouched is heap that nobody writes to. It takes no memory, but the collector counts it
// as live, and collects when the heap has become twice what is live: of the few megabytes
// that are live here, a thousand events a second would make it do so four times a second.
const untouched = 12 << 20

// useMemory tells Go's collector how much memory there is.
func (a *App) useMemory() {
	limit := int64(a.config.Memory)
	if limit == 0 {
		limit = availableMemory()
		a.warnOfQueues(limit)
	}
	if os.Getenv("GOGC") == "" {
		a.untouched = make([]byte, min(untouched, limit/16))
	}
	debug.SetMemoryLimit(limit + int64(len(a.untouched)))
}

// warnOfQueues says that queues may hold much of a limit that nobody wrote down.
func (a *App) warnOfQueues(limit int64) {
	held := int64(a.config.Flow.Gateway.MaxInFlight) + int64(a.config.Flow.Stream.MaxQueuedBytes)*int64(a.config.Flow.Stream.Workers)
	if held > limit/2 {
		a.log.Warn("queues may hold more than half of the memory; lower flow.gateway.max_in_flight or flow.stream.max_queued_bytes", "queues_bytes", held, "memory_bytes", limit)
	}
}
