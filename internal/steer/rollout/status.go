package rollout

import (
	"context"
	"fmt"
	"strings"
	"time"

	"betimes/internal/sagemaker"
)

// Status is what is known of a model's versions.
type Status struct {
	Model    string    `json:"model"`
	Endpoint string    `json:"endpoint"`
	State    string    `json:"state"`            // of the endpoint
	Config   string    `json:"config,omitempty"` // that it serves
	Serving  int       `json:"serving,omitempty"`
	Versions []Version `json:"versions"`
	Left     string    `json:"unfinished,omitempty"` // training that was begun and has not ended
}

// Version is one of them.
type Version struct {
	Number   int       `json:"version"`
	Created  time.Time `json:"created"`
	Approval string    `json:"approval"`
	About    string    `json:"about"`
}

// Look tells the versions of a model and which one serves.
func Look(ctx context.Context, d Deps, p Plan) (*Status, error) {
	r := newRun(d, p)
	r.hasty = true
	p2, state, err := r.serving(ctx)
	if err != nil {
		return nil, err
	}
	out := &Status{Model: p.Model, Endpoint: r.endpoint(), State: state.Status, Config: state.Config, Versions: []Version{}}
	if p2 != nil {
		out.Serving = p2.Version
	}
	all, err := r.versions(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range all {
		out.Versions = append(out.Versions, Version{one.Version, one.Created, one.Approval, one.Description})
	}
	if left, err := r.left(ctx); err == nil && left != nil {
		out.Left = fmt.Sprintf("training of %s with %s", left.Began, left.Data)
	}
	return out, nil
}

// To brings a registered version into service. One that is not approved is
// refused, unless approve says that a person approves it by this.
func To(ctx context.Context, d Deps, p Plan, version int, approve bool) (*Release, error) {
	r := newRun(d, p)
	r.hasty = true
	chosen, err := r.find(ctx, version)
	if err != nil {
		return nil, err
	}
	switch {
	case chosen.Approval == sagemaker.Approved:
	case !approve:
		return nil, &NotApproved{r.plan.Model, version, chosen.Approval}
	default:
		if err := r.opine(ctx, chosen.ARN, sagemaker.Approved, "approved by hand: betimes rollout"); err != nil {
			return nil, err
		}
	}
	if err := r.allowedVersion(version); err != nil {
		return nil, err
	}
	return r.release(ctx, chosen)
}

func (r *run) allowedVersion(version int) error {
	if r.Allow == nil || r.emulated {
		return nil
	}
	return r.Allow(fmt.Sprintf("change endpoint %s in %s to version %d of %s", r.endpoint(), r.Control.Region(), version, r.plan.Model))
}

// NotApproved is the error of a version that nobody has approved.
type NotApproved struct {
	Model    string
	Version  int
	Approval string
}

// Error names the remedy.
func (e *NotApproved) Error() string {
	return fmt.Sprintf("version %d of %s is %s; add --approve to approve and deploy it", e.Version, e.Model, e.Approval)
}

// shownVersions are enough to see what the numbers are like.
const shownVersions = 10

// find looks for a version by its number.
func (r *run) find(ctx context.Context, version int) (sagemaker.Package, error) {
	all, err := r.versions(ctx)
	if err != nil {
		return sagemaker.Package{}, err
	}
	var known []string
	for _, p := range all {
		if p.Version == version {
			return r.version(ctx, p.ARN)
		}
		known = append(known, fmt.Sprint(p.Version))
	}
	if len(known) > shownVersions {
		known = append(known[:shownVersions], "…")
	}
	if len(known) == 0 {
		return sagemaker.Package{}, r.wrong("train", "there is no version of %s yet; betimes train makes one", r.plan.Model)
	}
	return sagemaker.Package{}, r.wrong("train", "there is no version %d; there are %s", version, strings.Join(known, ", "))
}
