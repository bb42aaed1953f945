package rollout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"betimes/internal/sagemaker"
	"betimes/internal/steer/rollout/quality"
)

// Order is what Train is asked for beside the plan.
type Order struct {
	// Deploy is asked once the version is approved; nil: it is not deployed.
	Deploy func(question string) (bool, error)
	Fresh  bool   // an unfinished run is ended, not taken up
	By     string // what registers the version, for its lineage
}

// Report is what Train did.
type Report struct {
	Model    string           `json:"model"`
	Data     string           `json:"data"` // what to train with to get the same
	Rows     Rows             `json:"rows"`
	Job      string           `json:"job"`
	Artefact string           `json:"artefact"`
	Digest   string           `json:"digest,omitempty"` // sha256 of the artefact, on the emulator
	Quality  quality.Figures  `json:"quality"`
	Champion *Champion        `json:"champion,omitempty"` // version in service before
	Version  int              `json:"version"`
	Approval string           `json:"approval"`
	Reason   string           `json:"reason"` // of the approval
	Release  *Release         `json:"release,omitempty"`
	Seconds  map[Step]float64 `json:"seconds"`
}

// Rows are how many there were.
type Rows struct {
	Train      int `json:"train"`
	Validation int `json:"validation"`
	HeldOut    int `json:"held_out"`
	Repeated   int `json:"repeated"` // records left out that had the id of an earlier one
	Absent     int `json:"absent"`   // offsets of a topic without a record: compaction, or markers of transactions
}

// Train makes a new version of a model: it trains it, judges it by rows that
// the job never saw, registers and, if it may, deploys it. What an earlier run
// of the same plan left unfinished is taken up.
func Train(ctx context.Context, d Deps, p Plan, o Order) (*Report, error) {
	r := newRun(d, p)
	out := &Report{Model: p.Model, Seconds: map[Step]float64{}}
	r.took, r.hasty, r.asked = out.Seconds, true, true
	if p.Train == nil {
		return nil, r.wrong("train", "it is not there; write for example train: {algorithm: xgboost, data: FILE, label: COLUMN}")
	}
	return out, r.teach(ctx, o, out)
}

// teach goes from data to a version in the registry and, if it may, in service.
func (r *run) teach(ctx context.Context, o Order, out *Report) error {
	lesson, err := r.cut(ctx, o.Fresh)
	if err != nil {
		return err
	}
	out.Data, out.Rows = lesson.Data, lesson.Rows
	if err := r.begun(ctx, lesson); err != nil {
		return err
	}
	if out.Artefact, err = r.artefact(ctx, lesson.recipe); err != nil {
		r.finished(ctx, err)
		return err
	}
	out.Job, out.Digest = r.job, r.digestOf(ctx, out.Artefact)
	if out.Quality, err = r.judged(ctx, lesson, out.Artefact); err != nil {
		r.finished(ctx, err)
		return err
	}
	version, err := r.registered(ctx, lesson, out, o.By)
	if err != nil {
		return err
	}
	r.finished(ctx, nil)
	return r.offer(ctx, version, lesson.heldOut, o, out)
}

// lesson is what a model is trained and judged with.
type lesson struct {
	*recipe
	Data    string // exact
	Rows    Rows
	classes bool
	heldOut part
	columns []string
}

// cut reads the rows and parts them. What an unfinished run had read is read
// again, unless it was asked for anew.
func (r *run) cut(ctx context.Context, fresh bool) (*lesson, error) {
	left, err := r.left(ctx)
	if err != nil {
		return nil, err
	}
	data := r.plan.Train.Data
	if left != nil && !fresh && left.exactly(data) {
		data = left.Data
	}
	l, err := r.lesson(ctx, data)
	if _, removed := errors.AsType[*removedError](err); removed && data != r.plan.Train.Data {
		r.Log.Warn("what the unfinished training had read is no longer there, beginning anew", slog.Any("error", err))
		data, fresh = r.plan.Train.Data, true
		l, err = r.lesson(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	if left == nil {
		return l, nil
	}
	if left.Base == l.base && !fresh {
		r.report(StepLeft, "taking up the unfinished training of "+left.Began)
		return l, nil
	}
	if err := r.abandon(ctx, left); err != nil {
		return nil, err
	}
	if data != r.plan.Train.Data { // the settings changed: what is there now counts
		return r.lesson(ctx, r.plan.Train.Data)
	}
	return l, nil
}

func (r *run) lesson(ctx context.Context, data string) (*lesson, error) {
	r.repeated, r.absent = 0, 0 // it may be read twice
	t, exact, err := r.read(ctx, data)
	if err != nil {
		return nil, err
	}
	c := r.plan.Train
	parts := t.split(float64(c.HeldOut), float64(c.Validation))
	classes := t.kind() == quality.Classes
	if err := parts.check(classes); err != nil {
		wrong := &tableError{}
		errors.As(err, &wrong)
		return nil, r.wrong("train."+wrong.key, "%s: %s", c.Data, wrong.text)
	}
	recipe, err := r.algorithm(t.kind())
	if err != nil {
		return nil, err
	}
	recipe.train, recipe.validation = parts.train.csv, parts.validation.csv
	made := append(sorted(recipe.hyper), "cut", string(recipe.train), string(recipe.validation), string(parts.heldOut.csv), fmt.Sprint(c.InstanceType, c.Threshold))
	return &lesson{
		recipe: recipe.named(r.plan, made...), Data: exact, classes: classes, heldOut: parts.heldOut, columns: t.columns,
		Rows: Rows{parts.train.rows, parts.validation.rows, parts.heldOut.rows, r.repeated, r.absent},
	}, nil
}

// unfinished says in the bucket that a run is under way: what it read, and by
// that the names of all it makes.
type unfinished struct {
	Data  string `json:"data"`
	Base  string `json:"base"`
	Began string `json:"began"` // RFC 3339
}

// exactly says whether what was read is what data means now.
func (u *unfinished) exactly(data string) bool {
	name, ranges, err := parseTopic(data)
	was, _, wasErr := parseTopic(u.Data)
	return isTopic(data) && isTopic(u.Data) && err == nil && wasErr == nil && ranges == nil && name == was
}

func (r *run) leftKey() string { return stem(r.plan) + "/unfinished.json" }

// left is what an earlier run has not finished, or nil.
func (r *run) left(ctx context.Context) (*unfinished, error) {
	var body []byte
	err := r.patiently(ctx, func() (err error) {
		body, err = r.Objects.Get(ctx, r.Bucket, r.leftKey())
		return err
	})
	if sagemaker.IsMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.wrongBucket(err)
	}
	left := &unfinished{}
	if json.Unmarshal(body, left) != nil || left.Base == "" {
		return nil, nil // not ours
	}
	return left, nil
}

// begun notes what is under way, before anything that costs is made.
func (r *run) begun(ctx context.Context, l *lesson) error {
	body, err := json.Marshal(unfinished{l.Data, l.base, time.Now().UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	return r.overwrite(ctx, r.leftKey(), body)
}

// finished takes the note away. A run that was stopped leaves it.
func (r *run) finished(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if err := r.patiently(ctx, func() error { return r.Objects.Delete(ctx, r.Bucket, r.leftKey()) }); err != nil {
		r.Log.Warn("note of the unfinished training not removed", slog.Any("error", err))
	}
}
