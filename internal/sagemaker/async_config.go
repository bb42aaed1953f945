package sagemaker

import (
	"strings"
	"time"

	"betimes/internal/setting"
)

// AsyncConfig says that an endpoint is asked asynchronously: a request waits there
// for a free worker, and its answer is an object in S3.
type AsyncConfig struct {
	Input   string        `yaml:"input" doc:"Place in S3 for requests of more than 128,000 bytes; default: s3://<aws.bucket>/betimes-async."`
	Queue   string        `yaml:"queue" doc:"URL of an SQS queue, of this process alone, that gets the notifications of the endpoint; without one S3 is asked until the answer is there."`
	TTL     time.Duration `yaml:"ttl" doc:"How long a request may wait at the endpoint, 1m to 6h."`
	Timeout time.Duration `yaml:"timeout" doc:"How long the model may take for one request, 1s to 1h."`
	Keep    bool          `yaml:"keep" doc:"Leave requests and answers in S3 after their use. By default they are deleted, which the role must be allowed to do."`
}

// DefaultAsync is what optional settings are.
func DefaultAsync() AsyncConfig {
	return AsyncConfig{TTL: time.Hour, Timeout: 15 * time.Minute}
}

// Validate notes what is wrong. Empty values that have a default are right.
func (c AsyncConfig) Validate() setting.Problems {
	var ps setting.Problems
	if at, err := placeOf(c.Input); c.Input != "" && (err != nil || at.bucket == "") {
		ps.Add("input", "%q is not s3://BUCKET/PREFIX", c.Input)
	}
	checkURL(&ps, "queue", c.Queue)
	if c.TTL < time.Minute || c.TTL > 6*time.Hour {
		ps.Add("ttl", "%s is not what SageMaker takes; write 1m to 6h", c.TTL)
	}
	if c.Timeout < time.Second || c.Timeout > time.Hour {
		ps.Add("timeout", "%s is not what SageMaker takes; write 1s to 1h", c.Timeout)
	}
	return ps
}

// life is how long there may be an answer.
func (c AsyncConfig) life() time.Duration { return c.TTL + c.Timeout + lifeMargin }

// lifeMargin is for the way to S3 and for clocks that differ.
const lifeMargin = time.Minute

// place is an object in S3, or a prefix of some.
type place struct{ bucket, key string }

func (p place) String() string { return "s3://" + p.bucket + "/" + p.key }

// below is a place under a prefix.
func (p place) below(key string) place {
	return place{p.bucket, strings.TrimPrefix(strings.TrimSuffix(p.key, "/")+"/"+key, "/")}
}

// parent is the prefix that an object lies under.
func (p place) parent() place {
	return place{p.bucket, p.key[:max(strings.LastIndexByte(p.key, '/'), 0)]}
}

// isOurs says whether what lies under a prefix is ours alone.
func (p place) isOurs() bool { return p.key == ours || strings.HasSuffix(p.key, "/"+ours) }
