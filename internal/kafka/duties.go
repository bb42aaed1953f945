package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Coordinator is the id of the broker that coordinates a group.
func (c *Cluster) Coordinator(ctx context.Context, group string) (int32, error) {
	id, err := ask(ctx, func() (int32, error) {
		found := c.admin.FindGroupCoordinators(ctx, group)
		return found[group].NodeID, found.Error()
	})
	if err != nil {
		return 0, fmt.Errorf("kafka %v: coordinator of group %s: %w", c.cfg.Seeds, group, err)
	}
	return id, nil
}

// quorumTopic is the log that the controllers of a KRaft cluster vote on.
const quorumTopic = "__cluster_metadata"

// QuorumLeader is the id of the controller that leads the others of a KRaft
// cluster. What Brokers calls the controller is any broker there, which passes
// requests on.
func (c *Cluster) QuorumLeader(ctx context.Context) (int32, error) {
	req := kmsg.NewPtrDescribeQuorumRequest()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic, topic.Partitions = quorumTopic, append(topic.Partitions, kmsg.NewDescribeQuorumRequestTopicPartition())
	req.Topics = append(req.Topics, topic)
	id, err := ask(ctx, func() (int32, error) {
		resp, err := req.RequestWith(ctx, c.client)
		if err != nil {
			return 0, err
		}
		return quorumLeaderOf(resp)
	})
	if err != nil {
		return 0, fmt.Errorf("kafka %v: leader of the controllers: %w", c.cfg.Seeds, err)
	}
	return id, nil
}

func quorumLeaderOf(resp *kmsg.DescribeQuorumResponse) (int32, error) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return 0, errors.New("the answer is not about the one partition asked for")
	}
	p := resp.Topics[0].Partitions[0]
	return p.LeaderID, kerr.ErrorForCode(p.ErrorCode)
}
