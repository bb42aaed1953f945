package registry

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/avro"
)

// How long it is remembered that a schema could not be had: not asking for every
// event, and soon again.
const (
	awayFor   = time.Second
	absentFor = time.Minute
	maxAbsent = 4096 // ids that are not there
)

// Decoder makes JSON of records in Confluent's wire format. It is safe for
// concurrent use.
type Decoder struct {
	client *client

	mu      sync.Mutex
	known   map[uint32]*avro.Schema // for ever
	failed  map[uint32]failure
	reading map[uint32]*reading
	away    error // of the newest question; nil: it was answered
}

type failure struct {
	err   error
	until time.Time
}

// reading is one question under way; schema and err are there once done is closed.
type reading struct {
	done   chan struct{}
	schema *avro.Schema
	err    error
}

// New makes a Decoder. It fails when a file of the configuration cannot be read,
// not when the registry is away.
func New(c Config) (*Decoder, error) {
	client, err := newClient(c)
	if err != nil {
		return nil, err
	}
	return &Decoder{client: client, known: map[uint32]*avro.Schema{}, failed: map[uint32]failure{}, reading: map[uint32]*reading{}}, nil
}

// Close closes idle connections.
func (d *Decoder) Close() { d.client.http.Close() }

// Err is why the registry did not answer the newest question, nil when it did.
func (d *Decoder) Err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.away
}

const headBytes = 5

var (
	errShort    = errors.New("the payload is shorter than the five bytes before Avro: it is not in Confluent's wire format")
	errMagic    = errors.New("the payload does not begin with the zero of Confluent's wire format")
	errTrailing = errors.New("there are bytes behind the value that its schema describes")
	errUnfit    = errors.New("the payload is not what its schema describes")
	errLarge    = fmt.Errorf("the payload becomes more than %d MiB of JSON", maxJSONBytes>>20)
)

// JSON makes JSON of a record's value. An error that is ErrAway may pass, any other
// is for good.
func (d *Decoder) JSON(value []byte) ([]byte, error) {
	switch {
	case len(value) < headBytes:
		return nil, errShort
	case value[0] != 0:
		return nil, errMagic
	}
	id := binary.BigEndian.Uint32(value[1:])
	s, err := d.schema(id)
	if err != nil {
		return nil, err
	}
	var decoded any
	rest, err := s.Decode(value[headBytes:], &decoded)
	switch {
	case err != nil:
		return nil, fmt.Errorf("schema %d: %w", id, errUnfit) // err may quote the payload
	case len(rest) > 0:
		return nil, fmt.Errorf("schema %d: %w", id, errTrailing)
	}
	return appendValue(make([]byte, 0, 4*len(value)), decoded)
}

// schema is the one of that id, asked for when it is not known.
func (d *Decoder) schema(id uint32) (*avro.Schema, error) {
	d.mu.Lock()
	if s := d.known[id]; s != nil {
		d.mu.Unlock()
		return s, nil
	}
	if f, ok := d.failed[id]; ok && time.Now().Before(f.until) {
		d.mu.Unlock()
		return nil, f.err
	}
	r := d.reading[id]
	if r != nil {
		d.mu.Unlock()
		<-r.done
		return r.schema, r.err
	}
	r = &reading{done: make(chan struct{})}
	d.reading[id] = r
	d.mu.Unlock()
	d.read(id, r)
	return r.schema, r.err
}

// read asks, for all who wait.
func (d *Decoder) read(id uint32, r *reading) {
	ctx, cancel := context.WithTimeout(context.Background(), d.client.config.Timeout)
	defer cancel()
	r.schema, r.err = d.client.schema(ctx, id)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.reading, id)
	d.away = nil
	switch {
	case r.err == nil:
		d.known[id] = r.schema
		delete(d.failed, id)
	case errors.Is(r.err, ErrAway):
		d.away = r.err
		d.failed[id] = failure{r.err, time.Now().Add(awayFor)}
	default:
		if len(d.failed) >= maxAbsent {
			clear(d.failed)
		}
		d.failed[id] = failure{r.err, time.Now().Add(absentFor)}
	}
	close(r.done)
}
