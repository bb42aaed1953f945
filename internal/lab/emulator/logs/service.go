package logs

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/clock"
	"betimes/internal/lab/emulator/journal"
	"betimes/internal/lab/emulator/reply"
)

// Service answers CloudWatch Logs.
type Service struct {
	Region, Account string
	Dir             string // of the streams
	Clock           *clock.Clock
	Journal         *journal.Journal
	Log             *slog.Logger
}

// TargetPrefix is before the operation in X-Amz-Target.
const TargetPrefix = "Logs_20140328."

// maxRequestBytes is more than the largest request.
const maxRequestBytes = 1 << 20

// ServeHTTP answers awsJson1.1.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	reply.Operation{
		Name: name, Resource: "logs", Journal: s.Journal,
		Run:     func() (any, error) { return s.call(r, name) },
		Refused: func(err error) *reply.Error { return reply.Refusal(err, s.Log, name, "ServiceUnavailableException") },
	}.Serve(w)
}

// operations are what is built.
var operations = map[string]func(*Service, *request) (any, error){
	"DescribeLogGroups": (*Service).describeGroups, "DescribeLogStreams": (*Service).describeStreams, "GetLogEvents": (*Service).getEvents,
}

// Operations are what is built.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

func (s *Service) call(r *http.Request, name string) (any, error) {
	run, ok := operations[name]
	if !ok {
		return nil, reply.UnknownOperation(name)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequestBytes+1))
	if err != nil || len(body) > maxRequestBytes {
		return nil, invalid("The request is larger than %d bytes or could not be read.", maxRequestBytes)
	}
	var q request
	if err := reply.Decode(body, &q); err != nil {
		return nil, err
	}
	return run(s, &q)
}

func invalid(format string, args ...any) *reply.Error {
	return &reply.Error{Status: http.StatusBadRequest, Type: "InvalidParameterException", Text: fmt.Sprintf(format, args...)}
}

func notFound(what string) *reply.Error {
	return &reply.Error{Status: http.StatusBadRequest, Type: "ResourceNotFoundException", Text: "The specified log " + what + " does not exist."}
}

// request is the members of all three operations.
type request struct {
	GroupPrefix    string `json:"logGroupNamePrefix"`
	Group          string `json:"logGroupName"`
	GroupID        string `json:"logGroupIdentifier"`
	Stream         string `json:"logStreamName"`
	StreamPrefix   string `json:"logStreamNamePrefix"`
	OrderBy        string `json:"orderBy"`
	Descending     bool   `json:"descending"`
	NextToken      string `json:"nextToken"`
	Limit          *int   `json:"limit"`
	Start          *int64 `json:"startTime"`
	End            *int64 `json:"endTime"`
	StartsFromHead bool   `json:"startFromHead"`
}

// group is the named one, by name or ARN.
func (q *request) group() string {
	if q.Group != "" {
		return q.Group
	}
	_, name, ok := strings.Cut(q.GroupID, ":log-group:")
	if !ok {
		return q.GroupID
	}
	return strings.TrimSuffix(name, ":*")
}

// limit is a page's size.
func (q *request) limit(standard, most int) (int, error) {
	if q.Limit == nil {
		return standard, nil
	}
	if *q.Limit < 1 || *q.Limit > most {
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *q.Limit, most)
	}
	return *q.Limit, nil
}

// maxPage is the most, and the standard, of groups and streams.
const maxPage = 50

// page cuts a list where the token says.
func page[T any](q *request, all []T) ([]T, string, error) {
	size, err := q.limit(maxPage, maxPage)
	if err != nil {
		return nil, "", err
	}
	skip := 0
	if q.NextToken != "" {
		raw, err := base64.RawURLEncoding.DecodeString(q.NextToken)
		if err == nil {
			skip, err = strconv.Atoi(string(raw))
		}
		if err != nil || skip < 0 || skip > len(all) {
			return nil, "", invalid("The specified nextToken is invalid.")
		}
	}
	end := min(skip+size, len(all))
	if end == len(all) {
		return all[skip:end], "", nil
	}
	return all[skip:end], base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(end))), nil
}

func listing(member string, entries []map[string]any, token string) map[string]any {
	answer := map[string]any{member: append([]map[string]any{}, entries...)}
	if token != "" {
		answer["nextToken"] = token
	}
	return answer
}

func (s *Service) arn(group string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", s.Region, s.Account, group)
}

func (s *Service) describeGroups(q *request) (any, error) {
	all, err := s.names("")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(name string) bool { return !strings.HasPrefix(name, q.GroupPrefix) })
	names, token, err := page(q, all)
	if err != nil {
		return nil, err
	}
	var entries []map[string]any
	for _, name := range names {
		entries = append(entries, map[string]any{"logGroupName": name, "arn": s.arn(name) + ":*", "logGroupArn": s.arn(name), "creationTime": int64(0), "metricFilterCount": 0, "storedBytes": 0})
	}
	return listing("logGroups", entries, token), nil
}

func (s *Service) describeStreams(q *request) (any, error) {
	group := q.group()
	all, err := s.names(group)
	if group == "" || errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("group")
	}
	if err != nil {
		return nil, err
	}
	if q.OrderBy != "" && q.OrderBy != "LogStreamName" && q.OrderBy != "LastEventTime" {
		return nil, invalid("1 validation error detected: Value '%s' at 'orderBy' failed to satisfy constraint: Member must satisfy enum value set: [LogStreamName, LastEventTime]", q.OrderBy)
	}
	if q.OrderBy == "LastEventTime" && q.StreamPrefix != "" {
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	var entries []map[string]any
	for _, name := range all {
		if !strings.HasPrefix(name, q.StreamPrefix) {
			continue
		}
		e, err := s.describeStream(group, name)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	if q.OrderBy == "LastEventTime" {
		slices.SortStableFunc(entries, func(a, b map[string]any) int {
			x, _ := a["lastEventTimestamp"].(int64)
			y, _ := b["lastEventTimestamp"].(int64)
			return int(x - y)
		})
	}
	if q.Descending {
		slices.Reverse(entries)
	}
	found, token, err := page(q, entries)
	return listing("logStreams", found, token), err
}

func (s *Service) describeStream(group, name string) (map[string]any, error) {
	events, err := s.read(group, name)
	if err != nil {
		return nil, err
	}
	e := map[string]any{"logStreamName": name, "arn": s.arn(group) + ":log-stream:" + name, "storedBytes": 0, "creationTime": int64(0), "uploadSequenceToken": "1"}
	if n := len(events); n > 0 {
		e["creationTime"], e["firstEventTimestamp"] = events[0].Timestamp, events[0].Timestamp
		e["lastEventTimestamp"], e["lastIngestionTime"] = events[n-1].Timestamp, events[n-1].Timestamp
	}
	return e, nil
}

// The limits of GetLogEvents.
const (
	maxEvents = 10_000
	maxBytes  = 1 << 20
	perEvent  = 26 // bytes that AWS counts beside the message
)

// getEvents is GetLogEvents: at an end, the token of that direction stays the same.
func (s *Service) getEvents(q *request) (any, error) {
	if q.group() == "" || q.Stream == "" {
		return nil, invalid("logGroupName and logStreamName must be given.")
	}
	if _, err := s.names(q.group()); errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("group")
	}
	all, err := s.read(q.group(), q.Stream)
	if err != nil {
		return nil, err
	}
	size, err := q.limit(maxEvents, maxEvents)
	if err != nil {
		return nil, err
	}
	from, to, err := q.window(all, size)
	if err != nil {
		return nil, err
	}
	found := []map[string]any{}
	for _, e := range all[from:to] {
		if (q.Start == nil || e.Timestamp >= *q.Start) && (q.End == nil || e.Timestamp < *q.End) {
			found = append(found, map[string]any{"timestamp": e.Timestamp, "message": e.Message, "ingestionTime": e.Timestamp})
		}
	}
	return map[string]any{"events": found, "nextForwardToken": fmt.Sprintf("f/%056d", to), "nextBackwardToken": fmt.Sprintf("b/%056d", from)}, nil
}

// window is which events a call gives: after a forward token, before a backward
// one, else the newest or the oldest.
func (q *request) window(all []event, size int) (from, to int, err error) {
	direction, text, _ := strings.Cut(q.NextToken, "/")
	forward, at := q.StartsFromHead, 0
	switch {
	case q.NextToken == "" && !forward:
		at = len(all)
	case q.NextToken == "":
	default:
		at, err = strconv.Atoi(text)
		forward = direction == "f"
		if err != nil || at < 0 || at > len(all) || !forward && direction != "b" {
			return 0, 0, invalid("The specified nextToken is invalid.")
		}
	}
	step, room := -1, maxBytes
	if forward {
		step = 1
	}
	end := at
	for size > 0 && (forward && end < len(all) || !forward && end > 0) {
		if room -= len(all[min(end, end+step)].Message) + perEvent; room < 0 && end != at {
			break
		}
		end += step
		size--
	}
	return min(at, end), max(at, end), nil
}

// Reset forgets everything.
func (s *Service) Reset() error { return os.RemoveAll(s.Dir) }
