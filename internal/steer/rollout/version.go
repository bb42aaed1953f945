package rollout

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout/quality"
)

// Champion is the version that a new one is compared with.
type Champion struct {
	Version int             `json:"version"`
	Quality quality.Figures `json:"quality"`
	Same    bool            `json:"same_rows"` // judged by the same rows
}

// group is the row of the model in the registry.
func (r *run) group() string { return stem(r.plan) }

// describedAs begins the description of a version, by which it is found again.
func describedAs(job string) string { return "training job " + job + ": " }

// registered makes the version of a job, or finds that it is there.
func (r *run) registered(ctx context.Context, l *lesson, out *Report, by string) (sagemaker.Package, error) {
	r.report(StepKeep, r.group())
	all, err := r.versions(ctx)
	if err != nil {
		return sagemaker.Package{}, err
	}
	for _, p := range all {
		if strings.HasPrefix(p.Description, describedAs(out.Job)) {
			return r.version(ctx, p.ARN)
		}
	}
	if err := r.create(ctx, func() error { return r.Control.CreatePackageGroup(ctx, r.group(), "betimes: "+r.plan.Model) }); err != nil {
		return sagemaker.Package{}, err
	}
	name, value, _ := out.Quality.Main()
	p := sagemaker.Package{
		Group: r.group(), Description: fmt.Sprintf("%s%s %.4f", describedAs(out.Job), name, value), Image: l.image, Data: out.Artefact,
		InstanceType: r.plan.Endpoint.InstanceType, ContentType: r.plan.ContentType, Quality: r.uri(l.evaluationKey(r)),
		Lineage: l.lineage(out, by), Approval: sagemaker.PendingApproval, Token: "betimes-" + digest(out.Job, out.Artefact),
	}
	var arn string
	err = r.patiently(ctx, func() (err error) {
		arn, err = r.Control.RegisterPackage(ctx, p)
		return err
	})
	if err != nil {
		return p, r.wrong("train", "the version is not registered: %w", err)
	}
	return r.version(ctx, arn)
}

// lineage says where a version came from; a value has at most 256 characters.
func (l *lesson) lineage(out *Report, by string) map[string]string {
	all := map[string]string{
		"job": out.Job, "data": out.Data, "rows": strconv.Itoa(l.Rows.Train), "held_out": strconv.Itoa(l.Rows.HeldOut),
		"data_digest": digest(string(l.train), string(l.validation)), "held_out_digest": digest(string(l.heldOut.csv)),
		"columns": strings.Join(l.columns, ","), "registered_by": cmp.Or(by, "betimes"),
	}
	for name, text := range all {
		if text == "" {
			delete(all, name)
		} else if len(text) > 256 {
			all[name] = "sha256:" + digest(text) + " " + text[:200] + "…"
		}
	}
	return all
}

// versions are those of the model, the newest first.
func (r *run) versions(ctx context.Context) (all []sagemaker.Package, err error) {
	err = r.patiently(ctx, func() (err error) {
		all, err = r.Control.ListPackages(ctx, r.group())
		return err
	})
	if err != nil {
		return nil, r.refused("sagemaker", err)
	}
	return all, nil
}

func (r *run) version(ctx context.Context, arn string) (p sagemaker.Package, err error) {
	err = r.patiently(ctx, func() (err error) {
		p, err = r.Control.DescribePackage(ctx, arn)
		return err
	})
	if err != nil {
		return p, r.refused("sagemaker", err)
	}
	return p, nil
}

// offer approves a version by rule, and deploys it if that was asked for.
func (r *run) offer(ctx context.Context, p sagemaker.Package, heldOut part, o Order, out *Report) error {
	out.Version, out.Approval = p.Version, p.Approval
	champion, err := r.champion(ctx, digest(string(heldOut.csv)))
	if err != nil {
		return err
	}
	if champion != nil && champion.Version != p.Version {
		out.Champion = champion
	}
	if p.Approval == sagemaker.PendingApproval && r.byRule() {
		if err := r.decide(ctx, p, out); err != nil {
			return err
		}
	}
	if out.Approval != sagemaker.Approved {
		out.Reason = cmp.Or(out.Reason, "it waits for a person's approval")
		return nil
	}
	out.Reason = cmp.Or(out.Reason, "approved before")
	if o.Deploy == nil {
		return nil
	}
	if champion == nil || champion.Version != p.Version { // else it serves already
		yes, err := o.Deploy(r.question(p, out))
		if err != nil || !yes {
			return err
		}
	}
	if out.Release, err = r.release(ctx, p); err != nil {
		return err
	}
	return r.first(ctx, heldOut, out.Release)
}

// question is what a person who decides about a deployment has to know.
func (r *run) question(p sagemaker.Package, out *Report) string {
	name, value, _ := out.Quality.Main()
	figures := fmt.Sprintf("%s %.4f", name, value)
	if c := out.Champion; c != nil && c.Quality.Kind == out.Quality.Kind {
		_, before, _ := c.Quality.Main()
		figures += fmt.Sprintf(", version %d in service %.4f", c.Version, before)
	}
	return fmt.Sprintf("deploy version %d of %s (%s) to endpoint %s in %s", p.Version, r.plan.Model, figures, r.endpoint(), r.Control.Region())
}

// byRule says whether versions are approved without a person.
func (r *run) byRule() bool {
	a := r.plan.Train.Approve
	return a == ApproveRule || a == ApproveAuto && r.emulated
}

// decide approves by the rule, or says what it broke.
func (r *run) decide(ctx context.Context, p sagemaker.Package, out *Report) error {
	broken := r.plan.Train.broken(out.Quality, out.Champion)
	if len(broken) > 0 {
		out.Reason = strings.Join(broken, "; ")
		return r.opine(ctx, p.ARN, sagemaker.PendingApproval, out.Reason)
	}
	out.Approval, out.Reason = sagemaker.Approved, "the rule of the file holds"
	return r.opine(ctx, p.ARN, out.Approval, out.Reason)
}

// opine keeps what is thought of a version.
func (r *run) opine(ctx context.Context, arn, approval, reason string) error {
	if len(reason) > 1000 { // the registry keeps 1,024
		reason = reason[:1000]
	}
	if err := r.patiently(ctx, func() error { return r.Control.JudgePackage(ctx, arn, approval, reason) }); err != nil {
		return r.wrong("train", "the approval is not kept: %w", err)
	}
	return nil
}

// broken says how figures break the rule; nil: they hold.
func (c TrainConfig) broken(f quality.Figures, champion *Champion) []string {
	var all []string
	have := f.Named()
	bound := func(values map[string]float64, word string, breaks func(have, want float64) bool) {
		for _, name := range slices.Sorted(maps.Keys(values)) {
			value, there := have[name]
			switch {
			case !there:
				all = append(all, fmt.Sprintf("there is no %s of such answers", name))
			case breaks(value, values[name]):
				all = append(all, fmt.Sprintf("%s is %.4g, %s %.4g", name, value, word, values[name]))
			}
		}
	}
	bound(c.AtLeast, "less than", func(have, want float64) bool { return have < want })
	bound(c.AtMost, "more than", func(have, want float64) bool { return have > want })
	if champion == nil || champion.Quality.Kind != f.Kind {
		return all
	}
	name, now, rising := f.Main()
	_, then, _ := champion.Quality.Main()
	worse := then - now
	if !rising {
		worse = (now - then) / max(then, math.SmallestNonzeroFloat64)
	}
	if worse > c.Behind {
		all = append(all, fmt.Sprintf("%s is %.4f, that of version %d in service %.4f", name, now, champion.Version, then))
	}
	return all
}

// champion is the version in service with its figures, and whether they are by
// the rows of a digest; nil when what serves is
// no version of ours, or nothing does.
func (r *run) champion(ctx context.Context, heldOut string) (*Champion, error) {
	p, _, err := r.serving(ctx)
	if err != nil || p == nil {
		return nil, err
	}
	key, ours := strings.CutPrefix(p.Quality, r.uri(""))
	if !ours {
		return nil, nil
	}
	was, err := r.evaluation(ctx, key)
	if err != nil {
		r.Log.Warn("the version in service cannot be compared: its figures cannot be read", "version", p.Version, "error", err)
		return nil, nil
	}
	return &Champion{Version: p.Version, Quality: was.Quality, Same: was.HeldOut == heldOut}, nil
}

// digestOf is the digest of an artefact on the emulator, where the same data
// give the same bytes. On AWS it may be large and is not fetched.
func (r *run) digestOf(ctx context.Context, artefact string) string {
	key, ours := strings.CutPrefix(artefact, r.uri(""))
	if !r.emulated || !ours {
		return ""
	}
	body, err := r.Objects.Get(ctx, r.Bucket, key)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
