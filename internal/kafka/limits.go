package kafka

import "github.com/twmb/franz-go/pkg/kerr"

// MaxEventBytes is the largest batch of one event: payload, key, headers and
// what Kafka adds.
const MaxEventBytes = maxBatchBytes - endingRoom

// ErrTooLarge says that a record is larger than its topic or the client allows.
var ErrTooLarge error = kerr.MessageTooLarge
