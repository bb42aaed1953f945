package kafka

import "github.com/twmb/franz-go/pkg/kerr"

// ErrTooLarge says that a record is larger than its topic or the client allows.
var ErrTooLarge error = kerr.MessageTooLarge
