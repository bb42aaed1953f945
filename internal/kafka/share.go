package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"betimes/internal/event"
	"betimes/internal/failpoint"
)

// ProtocolShare is a share group (KIP-932): its members take events one by one
// from the same partitions, in no order, and the brokers remember of each
// whether it is done. MemberConfig.StaticID and Revoked mean nothing there; Assigned is told of no partition, once the group gives events.
const ProtocolShare = "share"

// ShareMember is one member of a share group. An event is locked for it until
// it is accepted or released, or until it dies; locks are renewed meanwhile.
// One goroutine polls; the rest may be called by any.
type ShareMember struct {
	cfg     MemberConfig
	cluster *Cluster
	client  *kgo.Client
	renews  bool // brokers know how to renew a lock (KIP-1222, Kafka 4.2)
	limit   int  // deliveries, after which the brokers give an event up
	given   func()

	stop    context.CancelFunc
	stopped sync.WaitGroup

	mu     sync.Mutex
	held   map[*event.Event]*lock
	behind map[Partition]int64
}

// lock is what keeps an event from other members.
type lock struct {
	record *kgo.Record
	lasts  time.Duration
	renew  time.Time // when it is time to
}

// shareRecords is the most of one fetch. What is locked here waits for nobody
// else, so it is less than of a partition that is a member's own.
const shareRecords = 100

// shareFetchWait is how long brokers wait for records. Acknowledgements wait
// that long, too, while a fetch is under way.
const shareFetchWait = 250 * time.Millisecond

// NewShareMember joins a share group. It returns before there are events.
func (c *Cluster) NewShareMember(cfg MemberConfig) (*ShareMember, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	m := &ShareMember{cfg: cfg, cluster: c, held: map[*event.Event]*lock{}, behind: map[Partition]int64{}}
	if err := m.prepare(ctx); err != nil {
		return nil, fmt.Errorf("share group %s: %w", cfg.Group, err)
	}
	m.given = sync.OnceFunc(func() {
		if cfg.Assigned != nil {
			cfg.Assigned(nil)
		}
	})
	client, err := c.newClient("member",
		kgo.ShareGroup(cfg.Group), kgo.ConsumeTopics(cfg.Topics...),
		kgo.ShareMaxRecords(shareRecords), kgo.ShareMaxRecordsStrict(), kgo.ShareAckCallback(m.acknowledged),
		kgo.FetchMinBytes(1), kgo.FetchMaxWait(shareFetchWait), kgo.FetchMaxBytes(fetchMaxBytes), kgo.FetchMaxPartitionBytes(fetchMaxPartitionBytes),
		kgo.WithHooks(veiler{}, joiner{m.given}),
	)
	if err != nil {
		return nil, err
	}
	m.client = client
	running, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.stopped.Go(func() { m.renewLoop(running) })
	m.stopped.Go(func() { m.lookLoop(running) })
	return m, nil
}

// The library accepts, at each poll, what the poll before returned and nobody
// has acknowledged: it would be gone although it is in work. It finds that
// through the record's context, which is therefore hidden from when a record is
// fetched until a poll has returned it. A test notices should that change.
type (
	veiler struct{}
	veil   struct{ context.Context }
)

// Value hides everything.
func (veil) Value(any) any { return nil }

// OnFetchRecordBuffered hides the record's context.
func (veiler) OnFetchRecordBuffered(r *kgo.Record) { r.Context = veil{r.Context} }

// unveil gives the record its context back.
func unveil(r *kgo.Record) {
	if v, hidden := r.Context.(veil); hidden {
		r.Context = v.Context
	}
}

// joiner tells when the first fetch was answered: the member is in the group.
type joiner struct{ given func() }

// OnBrokerRead is told of every answer.
func (j joiner) OnBrokerRead(_ kgo.BrokerMetadata, key int16, _ int, _, _ time.Duration, err error) {
	if key == int16(kmsg.ShareFetch) && err == nil {
		j.given()
	}
}

// Poll waits for one fetch and gives its events to take, which must be quick.
// Attempts of each are the deliveries before this one. An error means that the
// member cannot go on, or that ctx is done.
func (m *ShareMember) Poll(ctx context.Context, take func([]*event.Event)) error {
	fetches := m.client.PollRecords(ctx, shareRecords)
	failpoint.Reach("kafka.share.fetched") // locked for this member, the room not told
	if fetches.IsClientClosed() {
		return fmt.Errorf("share group %s: %w", m.cfg.Group, kgo.ErrClientClosed)
	}
	var fatal error
	events := make([]*event.Event, 0, fetches.NumRecords())
	now := time.Now()
	fetches.EachPartition(func(fp kgo.FetchTopicPartition) {
		if fp.Err != nil && ctx.Err() == nil {
			fatal = errors.Join(fatal, m.failed(Partition{fp.Topic, fp.Partition}, fp.Err))
		}
		for _, r := range fp.Records {
			if e := m.hold(r, now); e != nil {
				events = append(events, e)
			}
		}
	})
	if len(events) > 0 {
		take(events)
	}
	return errors.Join(fatal, ctx.Err())
}

// failed sorts an error: it ends the member or passes by itself.
func (m *ShareMember) failed(p Partition, err error) error {
	for _, f := range final {
		if errors.Is(err, f) {
			return fmt.Errorf("share group %s: %w", m.cfg.Group, err)
		}
	}
	m.cluster.deps.Log.Warn("fetch failed and is tried again", "group", m.cfg.Group, "topic", p.Topic, "partition", p.Number, "error", err)
	return nil
}

// Accept says that an event is done: no member sees it again. It is sent with
// the next fetch or by Flush.
func (m *ShareMember) Accept(e *event.Event) { m.settle(e, kgo.AckAccept) }

// Release gives an event back: another member may have it at once.
func (m *ShareMember) Release(e *event.Event) { m.settle(e, kgo.AckRelease) }

func (m *ShareMember) settle(e *event.Event, how kgo.AckStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.held[e]; l != nil {
		failpoint.Reach("kafka.share.settled") // done or given back, the lock is still held
		l.record.Ack(how)
		delete(m.held, e)
	}
}

// Flush sends what was accepted and released, and waits until the brokers have
// it or ctx ends.
func (m *ShareMember) Flush(ctx context.Context) error {
	failpoint.Reach("kafka.share.flush") // acknowledged here, brokers are not told
	if err := m.client.FlushAcks(ctx); err != nil {
		return fmt.Errorf("share group %s: acknowledgements not sent: %w", m.cfg.Group, err)
	}
	failpoint.Reach("kafka.share.flushed") // brokers know, the room does not
	return nil
}

// Left is how often the brokers would deliver an event again, were it not accepted
// now; with 0 they give it up.
func (m *ShareMember) Left(e *event.Event) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.held[e]; l != nil {
		return max(m.limit-int(l.record.DeliveryCount()), 0)
	}
	return m.limit
}

// Halt stops fetching a partition; other members go on with it.
func (m *ShareMember) Halt(p Partition) { m.client.PauseFetchPartitions(byTopic([]Partition{p})) }

// Leave releases what is held, leaves the group and closes. Nobody polls any more.
func (m *ShareMember) Leave(ctx context.Context) error {
	m.stop()
	m.stopped.Wait()
	err := m.Flush(ctx)
	if leave := m.client.LeaveGroupContext(ctx); leave != nil { // the end of the session releases
		err = errors.Join(err, fmt.Errorf("leave share group %s: %w", m.cfg.Group, leave))
	}
	m.client.Close()
	return err
}

// acknowledged is told how brokers took acknowledgements. What they refuse was
// no longer ours: it is delivered again, and done twice.
func (m *ShareMember) acknowledged(_ *kgo.Client, results kgo.ShareAckResults) {
	for _, r := range results {
		if r.Err != nil {
			m.cluster.deps.Log.Warn("acknowledgements refused, some events may be done again", "group", m.cfg.Group, "topic", r.Topic, "partition", r.Partition, "error", r.Err)
		}
	}
}
