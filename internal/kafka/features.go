package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactionVersion2 is the feature level of KIP-890: a new epoch for each
// transaction, so that a delayed request cannot get into the next one.
const transactionVersion2 = 2

// TransactionVersion tells the level of the feature transaction.version that
// the brokers have agreed on; 0 when they do not know it.
func (c *Cluster) TransactionVersion(ctx context.Context) (int16, error) {
	version, err := ask(ctx, func() (int16, error) {
		req := kmsg.NewPtrApiVersionsRequest()
		req.ClientSoftwareName, req.ClientSoftwareVersion = "betimes", "1"
		resp, err := req.RequestWith(ctx, c.client)
		if err == nil {
			err = kerr.ErrorForCode(resp.ErrorCode)
		}
		if err != nil {
			return 0, err
		}
		for _, f := range resp.FinalizedFeatures {
			if f.Name == "transaction.version" {
				return f.MaxVersionLevel, nil
			}
		}
		return 0, nil
	})
	if err != nil {
		return 0, fmt.Errorf("kafka %v: features: %w", c.cfg.Seeds, err)
	}
	return version, nil
}
