package emulator

import (
	"time"

	"betimes/internal/setting"
)

// Assumed is what AWS does not state.
type Assumed struct {
	MaxBody               setting.Bytes `yaml:"max_body" doc:"Largest body of InvokeEndpoint and of a stream's request; AWS's texts say 25 MiB, older ones 6."`
	ThrottlePerInstance   int64         `yaml:"throttle_per_instance" doc:"Calls under way per instance above which an endpoint throttles; 0: none. /_emu/limits sets a limit of one endpoint."`
	AsyncConcurrency      int           `yaml:"async_concurrency" doc:"Asynchronous calls at once per instance where the endpoint's config names no MaxConcurrentInvocationsPerInstance."`
	CheckModelData        bool          `yaml:"check_model_data" doc:"Whether CreateModel is refused when its model data is not there; else the endpoint fails."`
	PackageApproval       string        `yaml:"package_approval" doc:"ModelApprovalStatus of a version that names none: PendingManualApproval, Approved or Rejected."`
	PingInterval          time.Duration `yaml:"ping_interval" doc:"Between two /ping of a container that starts, and before one that died is started again."`
	HighResolutionPeriods int           `yaml:"high_resolution_periods" doc:"How many periods of 10 s must be above the target before a high-resolution policy scales out."`
}

func defaultAssumed() Assumed {
	return Assumed{MaxBody: 25 * setting.MiB, AsyncConcurrency: 4, PackageApproval: "PendingManualApproval", PingInterval: 100 * time.Millisecond, HighResolutionPeriods: 3}
}

// Validate says what is wrong with a.
func (a Assumed) Validate() setting.Problems {
	var ps setting.Problems
	if a.MaxBody < 1 || a.MaxBody > setting.GiB {
		ps.Add("max_body", "%d bytes are not between 1 and 1GiB; write for example 6MiB", a.MaxBody)
	}
	if a.ThrottlePerInstance < 0 {
		ps.Add("throttle_per_instance", "%d is less than 0; use 0 for no limit", a.ThrottlePerInstance)
	}
	if a.AsyncConcurrency < 1 || a.AsyncConcurrency > 1000 {
		ps.Add("async_concurrency", "%d is not between 1 and 1000", a.AsyncConcurrency)
	}
	ps.OneOf("package_approval", a.PackageApproval, "PendingManualApproval", "Approved", "Rejected")
	ps.Positive("ping_interval", a.PingInterval)
	if a.HighResolutionPeriods < 1 || a.HighResolutionPeriods > 60 {
		ps.Add("high_resolution_periods", "%d is not between 1 and 60", a.HighResolutionPeriods)
	}
	return ps
}
