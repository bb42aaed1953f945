package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Spec is what one variant runs.
type Spec struct {
	Endpoint, Variant string
	Hostname          string // of the container; empty: primary
	Image             string
	ModelURL          string // s3://BUCKET/KEY, or empty
	Environment       map[string]string
	InstanceType      string
	StartupSeconds    int    // ContainerStartupHealthCheckTimeoutInSeconds; 0: the default
	MultiModel        bool   // ModelURL is a prefix; calls name the model below it
	More              []Part // further containers on each instance
	Direct            bool   // calls name one of the containers; else they go through all in order
}

// maker makes one container per instance of a variant.
type maker func(number int) (Container, error)

// maker reads what all instances share, the model, and checks the image.
func (l *Launcher) maker(ctx context.Context, s Spec) (maker, error) {
	scheme, rest, _ := strings.Cut(s.Image, ":")
	switch {
	case len(s.More) > 0:
		return l.joined(ctx, s)
	case scheme == "exec":
		return l.program(s, rest)
	case s.MultiModel && scheme != "builtin" && Algorithm(s.Image) == "":
		return nil, fmt.Errorf("image %q cannot serve many models here; start the program with exec:PATH", s.Image)
	case s.MultiModel:
		return l.manyModels(ctx, s)
	case scheme == "builtin":
		return l.builtin(ctx, s, rest)
	case scheme == "http" || scheme == "https":
		p, err := newProxy(s.Image)
		return func(int) (Container, error) { return p, err }, err
	}
	if algorithm := Algorithm(s.Image); algorithm != "" {
		return l.learned(ctx, s, algorithm)
	}
	return l.ofRegistry(ctx, s)
}

func unknownImage(image string, why error) error {
	return fmt.Errorf("image %q cannot run here: %w; start its server yourself and name it http://HOST:PORT, or use an image that contains xgboost or linear-learner, builtin:xgboost, builtin:linear-learner, builtin:lightgbm, builtin:echo, builtin:profile?p50=8ms or exec:PATH", image, why)
}

// Algorithm is the built-in algorithm behind an image, or "".
func Algorithm(image string) string {
	if kind, ok := strings.CutPrefix(image, "builtin:"); ok && kind != "xgboost" && kind != "linear-learner" {
		return ""
	}
	if strings.HasPrefix(image, "exec:") || strings.HasPrefix(image, "http:") || strings.HasPrefix(image, "https:") {
		return ""
	}
	for _, a := range []string{"xgboost", "linear-learner"} {
		if strings.Contains(image, a) {
			return a
		}
	}
	return ""
}

func (l *Launcher) builtin(ctx context.Context, s Spec, name string) (maker, error) {
	kind, query, _ := strings.Cut(name, "?")
	workers, err := workersOf(s)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "echo":
		return func(int) (Container, error) { return echo{inProcess{workers}}, nil }, nil
	case "profile":
		p, err := newProfile(query, workers)
		return func(int) (Container, error) { return p, err }, err
	case "xgboost", "linear-learner", "lightgbm":
		return l.learned(ctx, s, kind)
	}
	return nil, unknownImage(s.Image, errors.New("it is not built in"))
}

func (l *Launcher) learned(_ context.Context, s Spec, algorithm string) (maker, error) {
	workers, err := workersOf(s)
	if err != nil {
		return nil, err
	}
	artefact, err := l.open(s.ModelURL)
	if err != nil {
		return nil, err
	}
	defer artefact.Close()
	model, err := loadModel(artefact)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.ModelURL, err)
	}
	c := newScorer(model, algorithm == "linear-learner", workers)
	return func(int) (Container, error) { return c, nil }, nil
}

// program starts one process per instance, each with its own copy of the
// model. An image's name has no spaces, so those of a path are written %20.
func (l *Launcher) program(s Spec, escaped string) (maker, error) {
	if err := l.onlyFromHere(s); err != nil {
		return nil, err
	}
	path, err := url.PathUnescape(escaped)
	found := ""
	if err == nil {
		found, err = exec.LookPath(path)
	}
	if err != nil {
		return nil, fmt.Errorf("image %q: %w", s.Image, err)
	}
	return l.each(s, found), nil
}

// onlyFromHere refuses to run anything for callers of other machines.
func (l *Launcher) onlyFromHere(s Spec) error {
	if l.Beyond != "" {
		return fmt.Errorf("image %q is refused: the emulator listens on %s, beyond this machine, and would run programs for anyone; listen on 127.0.0.1", s.Image, l.Beyond)
	}
	return nil
}

// ofRegistry starts one container per instance, where there is an engine that has the image.
func (l *Launcher) ofRegistry(ctx context.Context, s Spec) (maker, error) {
	if err := l.Engine.Here(); err != nil {
		return nil, unknownImage(s.Image, err)
	}
	if err := l.onlyFromHere(s); err != nil {
		return nil, err
	}
	if err := l.Engine.Find(ctx, s.Image); err != nil {
		return nil, unknownImage(s.Image, err)
	}
	return l.each(s, ""), nil
}

// each makes instances of a program or, without one, of a container.
func (l *Launcher) each(s Spec, file string) maker {
	return func(number int) (Container, error) {
		dir := l.folder(s, number)
		c, err := l.startIn(dir, file, s)
		if err != nil {
			_ = os.RemoveAll(dir) // else the next start of the emulator does it
		}
		return c, err
	}
}

// startIn starts a program in a folder of its own.
func (l *Launcher) startIn(dir, file string, s Spec) (Container, error) {
	if err := os.MkdirAll(filepath.Join(dir, "ml", "model"), 0o700); err != nil {
		return nil, err
	}
	if s.MultiModel {
		return l.serveModels(file, dir, s)
	}
	if s.ModelURL != "" {
		if err := l.unpack(s.ModelURL, filepath.Join(dir, "ml", "model")); err != nil {
			return nil, err
		}
	}
	p, err := l.startProcess(file, dir, s, s.Environment)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (l *Launcher) unpack(modelURL, dir string) error {
	artefact, err := l.open(modelURL)
	if err != nil {
		return err
	}
	defer artefact.Close()
	name := filepath.Base(modelURL)
	if err := unpack(artefact, dir, name); err != nil {
		return fmt.Errorf("%s: %w", modelURL, err)
	}
	return nil
}

// workersVariable sets how many calls a built-in container runs at once, as in AWS's containers.
const workersVariable = "SAGEMAKER_MODEL_SERVER_WORKERS"

// workersOf is one worker per CPU of the instance type, unless the environment says otherwise.
func workersOf(s Spec) (int, error) {
	if text := s.Environment[workersVariable]; text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return 0, fmt.Errorf("%s: %q is not between 1 and 10000", workersVariable, text)
		}
		return n, nil
	}
	_, size, _ := strings.Cut(strings.TrimPrefix(s.InstanceType, "ml."), ".")
	switch size {
	case "medium":
		return 1, nil
	case "large":
		return 2, nil
	}
	if times, ok := strings.CutSuffix(size, "xlarge"); ok {
		n, _ := strconv.Atoi(times) // xlarge itself has no number
		return 4 * max(1, n), nil
	}
	return 2, nil
}
