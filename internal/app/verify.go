package app

import (
	"context"
	"errors"

	"betimes/internal/config"
	"betimes/internal/event"
	"betimes/internal/lab/loadgen"
	"betimes/internal/lab/verify"
)

// VerifyTopics are the topics in which events come in and end.
func VerifyTopics(cfg config.Config) verify.Topics {
	t := cfg.Kafka.Topics
	return verify.Topics{
		Events: t.Events.Name, Predictions: t.Predictions.Name,
		DeadLetters: t.DeadLetters.Name, Quarantine: t.Quarantine.Name, Shed: t.Shed.Name, Parked: parkedTopic(cfg),
	}
}

// VerifyConfig is what the file promises.
func VerifyConfig(cfg config.Config) verify.Config {
	return verify.Config{
		Topics: VerifyTopics(cfg), Order: verify.Order(cfg.Flow.Stream.Order), ExactlyOnce: cfg.Flow.Stream.Guarantee == "exactly_once",
	}
}

// Verify reads the topics of the file, along with the pipeline until over has
// ended, and judges.
func (c *Client) Verify(ctx, over context.Context, checker *verify.Checker, reading verify.ReaderConfig) (verify.Verdict, error) {
	cluster, err := c.Cluster("verify")
	if err != nil {
		return verify.Verdict{}, err
	}
	reading.Group = c.Config.Flow.Stream.Group
	return verify.NewReader(checker, verify.Over(cluster), reading).Follow(ctx, over)
}

// Recorded is a Sender that writes a ledger: an event is sent once its line is
// on disk, and its answer is noted. What the ledger cannot keep is not sent.
type Recorded struct {
	Sender  loadgen.Sender
	Ledger  *verify.Ledger
	Events  string // name of the topic
	Keyless bool   // the gateway takes the key from the body: the sender does not know it
}

// Send notes the event, sends it and notes the answer.
func (r *Recorded) Send(ctx context.Context, e loadgen.Outgoing, done func(loadgen.Result)) {
	noted := make(chan uint64, 1)
	sending := verify.Sending{ID: e.ID, Key: e.Key, Value: e.Body}
	if r.Keyless {
		sending.Key = nil
	}
	noted <- r.Ledger.Send(sending, func(err error) {
		if err != nil {
			done(loadgen.Result{Outcome: loadgen.Failed, Problem: "not in the ledger"})
			return
		}
		r.Sender.Send(ctx, e, func(result loadgen.Result) {
			seq := <-noted
			r.mark(seq, &result)
			done(result)
		})
	})
}

func (r *Recorded) mark(seq uint64, result *loadgen.Result) {
	at := result.Source
	at.Topic = r.Events
	switch result.Outcome {
	case loadgen.Accepted:
		r.Ledger.Mark(seq, verify.OK, at)
	case loadgen.Refused, loadgen.Failed:
		r.Ledger.Mark(seq, verify.Failed, event.Source{})
	default:
		r.Ledger.Mark(seq, verify.Unknown, event.Source{})
	}
}

// runRecorded runs a load that writes a ledger.
func (c *Client) runRecorded(ctx context.Context, load loadgen.Config, deps loadgen.Deps, path string) (loadgen.Report, error) {
	ledger, err := verify.OpenLedger(path)
	if err != nil {
		return loadgen.Report{}, err
	}
	deps.Sender = &Recorded{
		Sender: deps.Sender, Ledger: ledger, Events: c.Config.Kafka.Topics.Events.Name,
		Keyless: deps.Through == "gateway" && (load.Workload != loadgen.Payments || c.Config.Flow.Gateway.Key != "/card_token"),
	}
	report, err := loadgen.Run(ctx, load, deps)
	return report, errors.Join(err, ledger.Close())
}
