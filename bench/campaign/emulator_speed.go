package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"betimes/bench/machine"
)

// What is promised of the emulator's speed.
const (
	promisedStart  = 300 * time.Millisecond
	promisedIdle   = 60 << 20
	promisedCalls  = 5000 // a second, from as many callers as speedCallers
	promisedAbove  = 2 * time.Millisecond
	promisedList   = 100 * time.Millisecond // of all pages
	speedCallers   = 32
	speedEndpoints = 1000
	speedJobs      = 10_000
)

// emulatorSpeed measures the emulator: starts, memory, invocations as fast as
// they come and at given moments, and lists by pages.
func emulatorSpeed(ctx context.Context, o options, r *report) error {
	s := &speed{kills: emulatedKills{o: o}, r: r}
	if err := s.kills.place(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.starting, s.calling, s.listing} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// speed is a run; what starts and stops the emulator is that of kills.
type speed struct {
	kills emulatedKills
	r     *report
}

// starting measures starts on an empty folder and again, and what is held then.
func (s *speed) starting(ctx context.Context) error {
	for range or(s.kills.o.count, 5) {
		if err := s.kills.start(ctx); err != nil {
			return err
		}
		if err := s.kills.running.stop(); err != nil {
			return err
		}
	}
	if err := s.kills.start(ctx); err != nil {
		return err
	}
	defer s.kills.running.clear()
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	held := machine.Resident(s.kills.running.cmd.Process.Pid)
	all := slices.Clone(s.kills.starts)
	slices.Sort(all)
	worst := all[len(all)-1]
	s.r.add(row{{"starts", len(all)}, {"median", milliseconds(all[len(all)/2])}, {"worst", milliseconds(worst)}, {"promised", milliseconds(promisedStart)},
		{"memory when idle", mebibytes(held)}, {"promised", mebibytes(promisedIdle)}})
	s.r.timely(worst <= promisedStart, "ready after %s, promised %s", milliseconds(worst), milliseconds(promisedStart))
	s.r.require(held <= promisedIdle, "%s when idle, promised %s", mebibytes(held), mebibytes(promisedIdle))
	return s.kills.running.stop()
}

// calling measures invocations of an endpoint that echoes, and of a model of a known time.
func (s *speed) calling(ctx context.Context) error {
	if err := s.kills.start(ctx); err != nil {
		return err
	}
	defer s.kills.running.clear()
	const modelTime = 5 * time.Millisecond
	for name, image := range map[string]string{"echo": "builtin:echo", "slow": "builtin:profile?p50=5ms&p99=5ms&workers=64"} {
		if err := s.deploy(ctx, name, image); err != nil {
			return err
		}
	}
	if err := s.fire(ctx, "echo", 0, 0); err != nil {
		return err
	}
	alone := s.kills.running.cmd.Process.Pid
	if err := errors.Join(claim(alone, "1", "10"), claim(os.Getpid(), "0", "11")); err != nil {
		s.r.note("calls at given moments were sent beside what else the machine does: %v", err)
	}
	defer release(os.Getpid())
	for _, c := range []struct {
		name string
		rate float64
		own  time.Duration
	}{{"echo", 1000, 0}, {"echo", 2500, 0}, {"slow", 1000, modelTime}} {
		if err := s.fire(ctx, c.name, c.rate, c.own); err != nil {
			return err
		}
	}
	return s.kills.running.stop()
}

// fire is one load; rate 0: as fast as they come.
func (s *speed) fire(ctx context.Context, name string, rate float64, own time.Duration) error {
	v, err := volley{address: strings.TrimPrefix(s.kills.e.base, "http://"), endpoint: name, rate: rate, length: s.kills.o.length / 6}.fire(ctx)
	if err != nil {
		return fmt.Errorf("%s at %g/s: %w", name, rate, err)
	}
	s.tell(name, rate, own, v)
	return nil
}

// claim gives a process a core of its own and the real-time class, so that what
// else the machine does is not measured: the sender before the emulator.
func claim(pid int, core, priority string) error {
	for _, line := range [][]string{{"taskset", "-a", "-c", "-p", core}, {"chrt", "-a", "-r", "-p", priority}} {
		if out, err := exec.Command(line[0], append(line[1:], strconv.Itoa(pid))...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w %s", line[0], err, out)
		}
	}
	return nil
}

// release takes claim back.
func release(pid int) {
	_ = exec.Command("chrt", "-a", "-o", "-p", "0", strconv.Itoa(pid)).Run()                                        // fails where there was no claim
	_ = exec.Command("taskset", "-a", "-c", "-p", fmt.Sprintf("0-%d", runtime.NumCPU()-1), strconv.Itoa(pid)).Run() // likewise
}

// tell adds a row and judges it.
func (s *speed) tell(name string, rate float64, own time.Duration, v struck) {
	how := fmt.Sprintf("%g/s", rate)
	if rate == 0 {
		how = fmt.Sprintf("%d callers", speedCallers)
	}
	above := v.quantile(0.99) - own
	s.r.add(row{{"endpoint", name}, {"load", how}, {"calls", len(v.took)}, {"calls/s", fmt.Sprintf("%.0f", v.perSecond)}, {"model's own", milliseconds(own)},
		{"p50", milliseconds(v.quantile(0.5))}, {"p99", milliseconds(v.quantile(0.99))}, {"p99.9", milliseconds(v.quantile(0.999))},
		{"p99 above the model", milliseconds(above)}, {"sent late, p99", milliseconds(v.late)}})
	if rate == 0 {
		s.r.timely(v.perSecond >= promisedCalls, "%.0f calls/s, promised %d", v.perSecond, promisedCalls)
		return
	}
	s.r.timely(above <= promisedAbove, "%s at %s: p99 is %s above the model, promised %s", name, how, milliseconds(above), milliseconds(promisedAbove))
}

func (s *speed) deploy(ctx context.Context, name, image string) error {
	for _, c := range []struct {
		operation string
		request   members
	}{
		{"CreateModel", members{"ModelName": name, "ExecutionRoleArn": roleARN, "PrimaryContainer": members{"Image": image}}},
		{"CreateEndpointConfig", members{"EndpointConfigName": name, "ProductionVariants": []members{{"VariantName": "all", "ModelName": name, "InitialInstanceCount": 2, "InstanceType": "ml.c5.4xlarge"}}}},
		{"CreateEndpoint", members{"EndpointName": name, "EndpointConfigName": name}},
	} {
		if err := s.kills.e.get(ctx, toSageMaker+c.operation, c.request, &members{}); err != nil {
			return err
		}
	}
	return s.kills.atRest(ctx)
}

// listing reads many resources by pages. They are copies of one, put where the
// emulator keeps its state.
func (s *speed) listing(ctx context.Context) error {
	if err := s.kills.start(ctx); err != nil {
		return err
	}
	defer func() { s.kills.running.clear() }()
	err := s.kills.e.get(ctx, toSageMaker+"CreateTrainingJob", members{"TrainingJobName": "job", "RoleArn": roleARN, "OutputDataConfig": members{"S3OutputPath": "s3://none/models"},
		"AlgorithmSpecification": members{"TrainingImage": "builtin:xgboost", "TrainingInputMode": "File"}}, &members{})
	if err == nil {
		err = s.kills.atRest(ctx)
	}
	if err == nil {
		err = s.kills.running.stop()
	}
	if err == nil {
		err = s.copies("endpoint", "echo", speedEndpoints)
	}
	if err == nil {
		err = s.copies("training-job", "job", speedJobs)
	}
	if err == nil {
		err = s.kills.start(ctx)
	}
	if err != nil {
		return err
	}
	started := s.kills.starts[len(s.kills.starts)-1]
	for _, c := range []struct {
		operation, member string
		least             int
	}{{"ListEndpoints", "Endpoints", speedEndpoints}, {"ListTrainingJobs", "TrainingJobSummaries", speedJobs}} {
		if err := s.list(ctx, c.operation, c.member, c.least, started); err != nil {
			return err
		}
	}
	return s.kills.running.stop()
}

func (s *speed) list(ctx context.Context, operation, member string, least int, started time.Duration) error {
	var took []time.Duration
	found := 0
	for range or(s.kills.o.count, 5) {
		began := time.Now()
		all, err := s.kills.list(ctx, operation, member)
		if err != nil {
			return err
		}
		took, found = append(took, time.Since(began)), len(all)
	}
	slices.Sort(took)
	median := took[len(took)/2]
	s.r.add(row{{"operation", operation}, {"records", found}, {"pages", (found + 99) / 100}, {"all pages, median", milliseconds(median)}, {"worst", milliseconds(took[len(took)-1])},
		{"promised", milliseconds(promisedList)}, {"start with all of them", milliseconds(started)}})
	s.r.require(found >= least, "%s: %d records of %d", operation, found, least)
	s.r.timely(median <= promisedList, "%s: all pages in %s, promised %s", operation, milliseconds(median), milliseconds(promisedList))
	return nil
}

// copies multiplies what is kept of a resource.
func (s *speed) copies(kind, name string, n int) error {
	dir := filepath.Join(s.kills.dir, "emulate", "emulator", kind)
	one, err := os.ReadFile(filepath.Join(dir, name+".json"))
	for i := 0; i < n && err == nil; i++ {
		copied := fmt.Sprintf("%s-%05d", name, i)
		text := strings.ReplaceAll(string(one), `"`+name+`"`, `"`+copied+`"`)
		err = os.WriteFile(filepath.Join(dir, copied+".json"), []byte(text), 0o600)
	}
	return err
}
