package training

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
)

// Bounds of what a program may say.
const (
	maxFailure  = 1024     // FailureReason, as on AWS
	maxLogBytes = 64 << 20 // of the log file; metrics are read beyond it
)

// runProgram runs an exec: image, or a job at an http: one, under the contract of /opt/ml: input and
// configuration in files, the model in a folder, success as the exit code.
func (r *Runner) runProgram(ctx context.Context, j Job, report Report) (Result, error) {
	path, err := r.find(ctx, j.Image)
	if err != nil {
		return Result{}, fmt.Errorf("ClientError: %w", err)
	}
	f, err := r.newFolder(j)
	if err != nil {
		return Result{}, fmt.Errorf("InternalServerError: %w", err)
	}
	defer f.remove()
	if err := r.stage(f, j); err != nil {
		return Result{}, err
	}
	if err := r.enter(ctx, report, "Training", "Training image download completed. Training in progress."); err != nil {
		return Result{}, err
	}
	log, err := r.log(j)
	if err != nil {
		return Result{}, fmt.Errorf("InternalServerError: %w", err)
	}
	defer log.Close()
	metrics := newWatcher(j.Metrics)
	kept := &boundedLog{w: log, left: maxLogBytes}
	saved := &checkpoints{r, f, j.Checkpoints, map[string]fs.FileInfo{}}
	stop := saved.follow()
	ended := r.execute(ctx, f, j, path, io.MultiWriter(kept, metrics))
	stop()
	return r.collect(ctx, f, j, report, outcome{ended, metrics, saved})
}

// outcome is how a program ended and what it logged.
type outcome struct {
	err     error
	metrics *watcher
	saved   *checkpoints
}

// collect uploads what a program left. After a failure that is its output only.
func (r *Runner) collect(ctx context.Context, f *folder, j Job, report Report, o outcome) (Result, error) {
	result := Result{Metrics: o.metrics.final(r.Clock.Now())}
	asked := errors.Is(o.err, ErrStopped) || errors.Is(o.err, ErrRuntime)
	if o.err != nil && !asked && ctx.Err() != nil { // the emulator ends: the next start trains again
		return Result{}, o.err
	}
	if o.err == nil {
		if err := r.enter(ctx, report, "Uploading", "Uploading generated training model"); err != nil {
			return Result{}, err
		}
	}
	problems := []error{o.err}
	if o.err == nil || asked {
		uploaded, err := r.uploadFolder(f, "model", j.Artefact())
		problems = append(problems, err)
		if uploaded || o.err == nil {
			result.Artefact = j.Artefact()
		}
		if !uploaded && err == nil && o.err == nil {
			problems = append(problems, errors.New("AlgorithmError: the program ended well and left no file in SM_MODEL_DIR; write the model there"))
		}
	}
	_, err := r.uploadFolder(f, "output/data", strings.TrimSuffix(j.Artefact(), "model.tar.gz")+"output.tar.gz")
	problems = append(problems, err)
	problems = append(problems, o.saved.keep())
	err = first(problems)
	if err == nil && r.Observe != nil {
		r.Observe(j.Name, result.Metrics)
	}
	return result, err
}

func first(problems []error) error {
	for _, p := range problems {
		if p != nil {
			return p
		}
	}
	return nil
}

// Trains says what keeps an image that is not built in from being trained with, as far as
// that is known before; nil: nothing.
func (r *Runner) Trains(ctx context.Context, image string) error {
	if isServer(image) || isExec(image) {
		return nil
	}
	if err := r.Engine.Here(); err != nil {
		return err
	}
	if err := r.onlyFromHere(); err != nil {
		return err
	}
	return r.Engine.Find(ctx, image)
}

// isExec says whether an image is a program.
func isExec(image string) bool { return strings.HasPrefix(image, "exec:") }

// onlyFromHere refuses to run anything for callers of other machines.
func (r *Runner) onlyFromHere() error {
	if r.Beyond == "" {
		return nil
	}
	return fmt.Errorf("the emulator listens on %s, beyond this machine, and would run programs for anyone; listen on 127.0.0.1", r.Beyond)
}

// find is the file behind exec:PATH, the server of http://HOST:PORT or, for an image of a
// registry, nothing. An image's name has no spaces, so those of a path are written %20.
func (r *Runner) find(ctx context.Context, image string) (string, error) {
	if isServer(image) {
		return findServer(ctx, image)
	}
	err := r.Trains(ctx, image)
	if err == nil {
		err = r.onlyFromHere()
	}
	if err != nil {
		return "", fmt.Errorf("image %q is refused: %w", image, err)
	}
	if !isExec(image) {
		return "", nil
	}
	path, err := url.PathUnescape(strings.TrimPrefix(image, "exec:"))
	if err == nil {
		path, err = exec.LookPath(path)
	}
	if err != nil {
		return "", fmt.Errorf("image %q: %w", image, err)
	}
	return filepath.Abs(path)
}

// stage writes everything a program reads.
func (r *Runner) stage(f *folder, j Job) error {
	if err := f.describe(j); err != nil {
		return fmt.Errorf("InternalServerError: %w", err)
	}
	for _, c := range j.Channels {
		objects, err := r.objects(c)
		if err == nil {
			err = f.fill(r, "input/data/"+c.Name, objects)
		}
		if err != nil {
			return err
		}
	}
	if j.Checkpoints == "" {
		return nil
	}
	saved, err := r.objects(Channel{URI: strings.TrimSuffix(j.Checkpoints, "/") + "/"})
	if err != nil { // none yet
		return nil
	}
	return f.fill(r, "checkpoints", saved)
}
