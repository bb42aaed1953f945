package main

import (
	"os"
	"time"

	"betimes/bench/machine"
)

// peak is the most memory that the process has held, in bytes, with its children.
func (p *process) peak() int64 { return machine.Peak(p.cmd.Process.Pid) }

// others measures what processes that are not of this campaign used meanwhile.
type others struct {
	began     time.Time
	all, ours time.Duration
}

func watchOthers() others { return others{time.Now(), machine.Busy(), machine.CPU(os.Getpid())} }

// cores is how many cores the others used, on average.
func (o others) cores() float64 {
	used := machine.Busy() - o.all - (machine.CPU(os.Getpid()) - o.ours)
	return max(0, used.Seconds()/time.Since(o.began).Seconds())
}
