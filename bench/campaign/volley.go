package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// volley is a load of InvokeEndpoint, written and read without net/http, which
// would cost more than the emulator.
type volley struct {
	address, endpoint string
	rate              float64 // calls a second at even moments; 0: each caller calls again at once
	length            time.Duration
}

// struck is what came of a volley. Times are since the moment a call was due.
type struck struct {
	took      []time.Duration // sorted
	perSecond float64
	late      time.Duration // 99th percentile of how late calls were sent
}

func (s struck) quantile(q float64) time.Duration { return s.took[int(q*float64(len(s.took)-1))] }

// maxCallers is how many calls an open load may have under way.
const maxCallers = 256

// fire sends for as long as the volley is, after a tenth of that to warm up.
func (v volley) fire(ctx context.Context) (struck, error) {
	callers := maxCallers
	if v.rate == 0 {
		callers = speedCallers
	}
	lines := make([]*caller, callers)
	for i := range lines {
		c, err := v.dial(ctx)
		if err != nil {
			return struck{}, err
		}
		defer c.conn.Close()
		lines[i] = c
	}
	if _, err := v.run(ctx, lines, v.length/10); err != nil {
		return struck{}, err
	}
	return v.run(ctx, lines, v.length)
}

// run lets the callers call: at moments that are dealt out in order, or one after the other.
func (v volley) run(ctx context.Context, callers []*caller, length time.Duration) (struck, error) {
	began := time.Now()
	var all sync.WaitGroup
	for _, c := range callers {
		c.took, c.late, c.err = c.took[:0], c.late[:0], nil
	}
	if v.rate == 0 {
		for _, c := range callers {
			all.Go(func() {
				for c.err == nil && time.Since(began) < length && ctx.Err() == nil {
					c.call(time.Now())
				}
			})
		}
	} else {
		v.pace(ctx, callers, length, &all)
	}
	all.Wait()
	var s struck
	var late []time.Duration
	for _, c := range callers {
		if c.err != nil {
			return s, c.err
		}
		s.took, late = append(s.took, c.took...), append(late, c.late...)
	}
	if len(s.took) == 0 {
		return s, fmt.Errorf("no call in %s", length)
	}
	s.perSecond = float64(len(s.took)) / time.Since(began).Seconds()
	slices.Sort(s.took)
	slices.Sort(late)
	s.late = late[int(0.99*float64(len(late)-1))]
	return s, nil
}

// pace hands every moment to a free caller. It alone sleeps, in a thread of its
// own: were callers to do it, those whose answers are there would wait for those
// whose moment is near.
func (v volley) pace(ctx context.Context, callers []*caller, length time.Duration, all *sync.WaitGroup) {
	free := make(chan *caller, len(callers))
	for _, c := range callers {
		c.due = make(chan time.Time, 1)
		free <- c
		all.Go(func() {
			for at := range c.due {
				c.call(at)
				free <- c
			}
		})
	}
	all.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		began := time.Now()
		for n := 0; ctx.Err() == nil; n++ {
			at := time.Duration(float64(n) / v.rate * float64(time.Second))
			if at >= length {
				break
			}
			sleepUntil(began.Add(at))
			c := <-free // none: the call comes late and says so
			c.due <- began.Add(at)
		}
		for _, c := range callers {
			close(c.due)
		}
	})
}

// caller is one connection.
type caller struct {
	conn       net.Conn
	in         *bufio.Reader
	request    []byte
	got        []byte
	due        chan time.Time // of an open load: the next call's moment
	took, late []time.Duration
	err        error
}

func (v volley) dial(ctx context.Context) (*caller, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", v.address)
	if err != nil {
		return nil, err
	}
	body := bytes.Repeat([]byte("0.5,"), 50)
	head := fmt.Sprintf("POST /endpoints/%s/invocations HTTP/1.1\r\nHost: %s\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n", v.endpoint, v.address, len(body))
	return &caller{conn: conn, in: bufio.NewReader(conn), request: append([]byte(head), body...), got: make([]byte, 64<<10)}, nil
}

// call calls at once, and counts from the moment when it was due.
func (c *caller) call(due time.Time) {
	if c.err != nil {
		return
	}
	sent := time.Now()
	if c.err = c.exchange(); c.err == nil {
		c.took, c.late = append(c.took, time.Since(due)), append(c.late, sent.Sub(due))
	}
}

// coarse is how late Go's own timers may be.
const coarse = 2 * time.Millisecond

// sleepUntil is precise: the rest that Go's timers would round up is slept by the system.
func sleepUntil(at time.Time) {
	time.Sleep(time.Until(at) - coarse)
	if rest := time.Until(at); rest > 0 {
		left := syscall.NsecToTimespec(int64(rest))
		_ = syscall.Nanosleep(&left, nil) // woken early it sends early, by a signal's chance
	}
}

func (c *caller) exchange() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	status, err := c.in.ReadString('\n')
	if err != nil {
		return err
	}
	size := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if name, value, _ := strings.Cut(string(line), ":"); strings.EqualFold(name, "Content-Length") {
			size, _ = strconv.Atoi(strings.TrimSpace(value))
		}
	}
	got := c.got[:min(size, len(c.got))]
	if _, err := io.ReadFull(c.in, got); err != nil {
		return err
	}
	if !strings.HasPrefix(status, "HTTP/1.1 "+strconv.Itoa(http.StatusOK)) {
		return fmt.Errorf("answered %s%s", status, got)
	}
	return nil
}
