package journal

import (
	"encoding/json"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// The kinds of Entry.
const (
	Request = "request"
	Fault   = "fault"
	State   = "state"
)

// Entry is one thing that happened.
type Entry struct {
	Seq       uint64    `json:"seq"`
	Time      time.Time `json:"time"`
	Kind      string    `json:"kind"`
	Region    string    `json:"region,omitempty"`  // where it is not the emulator's own
	Account   string    `json:"account,omitempty"` // with Region
	Operation string    `json:"operation,omitempty"`
	Resource  string    `json:"resource,omitempty"` // endpoint/fraud, training-job/x, s3://bucket/key
	Variant   string    `json:"variant,omitempty"`
	Instance  int       `json:"instance,omitempty"`
	Number    uint64    `json:"n,omitempty"`      // of the request at its endpoint, from 1 since the emulator began
	Status    int       `json:"status,omitempty"` // of the HTTP answer
	Error     string    `json:"error,omitempty"`  // name of the AWS error
	Micros    int64     `json:"us,omitempty"`
	Scripted  int64     `json:"scripted_us,omitempty"` // how long a profile and a fault said that it takes; us is what it took
	Text      string    `json:"text,omitempty"`        // fault id, "Creating → InService"
}

// size is how many entries are kept.
const size = 1 << 14

// Journal is a ring of entries. The zero Journal is ready.
type Journal struct {
	next atomic.Uint64
	once sync.Once
	ring []atomic.Pointer[Entry]

	whole           *Journal // where a part of it writes; nil for the whole
	region, account string
}

// In is the part of j whose entries are of a region and account. It is written to only.
func (j *Journal) In(region, account string) *Journal {
	return &Journal{whole: j, region: region, account: account}
}

// Note adds e and gives it its number.
func (j *Journal) Note(e Entry) {
	if j.whole != nil {
		e.Region, e.Account = j.region, j.account
		j.whole.Note(e)
		return
	}
	j.once.Do(j.make)
	e.Seq = j.next.Add(1)
	j.store(&e)
}

// store keeps e unless a newer entry has its place: a writer may fall a whole ring
// behind between the number and here.
func (j *Journal) store(e *Entry) {
	at := &j.ring[e.Seq%size]
	for was := at.Load(); was == nil || was.Seq < e.Seq; was = at.Load() {
		if at.CompareAndSwap(was, e) {
			return
		}
	}
}

func (j *Journal) make() { j.ring = make([]atomic.Pointer[Entry], size) }

// Since writes the entries after seq that are still kept, one JSON object per line.
func (j *Journal) Since(w io.Writer, seq uint64) error {
	j.once.Do(j.make)
	last := j.next.Load()
	if last > size && seq < last-size {
		seq = last - size
	}
	out := json.NewEncoder(w)
	for n := seq + 1; n <= last; n++ {
		e := j.ring[n%size].Load()
		if e == nil || e.Seq < n { // numbered, not stored yet: the next read begins with it
			return nil
		}
		if e.Seq > n { // overwritten meanwhile
			continue
		}
		if err := out.Encode(e); err != nil {
			return err
		}
	}
	return nil
}
