package sagemaker

import (
	"context"
	"net/url"
)

// trainingLogs is the group of CloudWatch Logs that training jobs write to.
const trainingLogs = "/aws/sagemaker/TrainingJobs"

// Logs reads what training jobs print. Errors are as those of Control.
type Logs struct {
	service *service
	url     *url.URL
}

// Logs makes the client of CloudWatch Logs for the place of an endpoint.
func (a *Account) Logs(c Config) (*Logs, error) {
	s, err := a.service(logsAPI(), c, 1, controlTimeout)
	if err != nil {
		return nil, err
	}
	return &Logs{s, s.at("/")}, nil
}

// Close closes idle connections.
func (l *Logs) Close() { l.service.exchange.Close() }

// JobLog is the log of one training job on one instance.
type JobLog struct {
	logs           *Logs
	job            string
	stream, behind string // empty: not known yet; token of what follows what was read
}

// Job opens the log of a training job; nothing is called yet.
func (l *Logs) Job(name string) *JobLog { return &JobLog{logs: l, job: name} }

// Place is where a person finds it.
func (j *JobLog) Place() string { return trainingLogs + " " + j.job }

// Next gives the lines that came since the last call, the first time the newest
// ones; none while there is no log.
func (j *JobLog) Next(ctx context.Context) ([]string, error) {
	if err := j.find(ctx); err != nil || j.stream == "" {
		return nil, err
	}
	var all []string
	for {
		lines, behind, err := j.page(ctx, j.behind, 0)
		all = append(all, lines...)
		if err != nil || behind == j.behind { // the end answers with the token it was asked with
			return all, err
		}
		j.behind = behind
	}
}

// Last gives the newest lines, at most so many.
func (j *JobLog) Last(ctx context.Context, most int) ([]string, error) {
	if err := j.find(ctx); err != nil || j.stream == "" {
		return nil, err
	}
	lines, _, err := j.page(ctx, "", most)
	return lines, err
}

// find looks for the stream, whose name ends with what only AWS knows.
func (j *JobLog) find(ctx context.Context) error {
	if j.stream != "" {
		return nil
	}
	var out struct {
		LogStreams []struct{ LogStreamName string }
	}
	err := j.logs.call(ctx, "DescribeLogStreams", struct {
		Group  string `json:"logGroupName"`
		Prefix string `json:"logStreamNamePrefix"`
	}{trainingLogs, j.job + "/"}, &out)
	if err != nil {
		return missingIsNone(err)
	}
	if len(out.LogStreams) > 0 {
		j.stream = out.LogStreams[0].LogStreamName
	}
	return nil
}

// page reads what follows a token; without one the newest lines. most is 0 for
// as many as a page takes.
func (j *JobLog) page(ctx context.Context, token string, most int) (lines []string, behind string, err error) {
	var out struct {
		Events           []struct{ Message string }
		NextForwardToken string
	}
	err = j.logs.call(ctx, "GetLogEvents", struct {
		Group  string `json:"logGroupName"`
		Stream string `json:"logStreamName"`
		Token  string `json:"nextToken,omitempty"`
		Limit  int    `json:"limit,omitempty"`
	}{trainingLogs, j.stream, token, most}, &out)
	for _, e := range out.Events {
		lines = append(lines, e.Message)
	}
	return lines, out.NextForwardToken, missingIsNone(err)
}

// missingIsNone: group and stream are made by the first line.
func missingIsNone(err error) error {
	if IsMissing(err) {
		return nil
	}
	return err
}

func (l *Logs) call(ctx context.Context, operation string, in, out any) error {
	return l.service.call(ctx, protocol{l.url, controlType, "Logs_20140328."}, operation, in, out)
}
