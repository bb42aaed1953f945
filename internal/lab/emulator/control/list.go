package control

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// listRequest is what all List operations share.
type listRequest struct {
	SortBy, SortOrder, NextToken, NameContains, StatusEquals string
	MaxResults                                               *int
	CreationTimeBefore, CreationTimeAfter                    *reply.Time
	LastModifiedTimeBefore, LastModifiedTimeAfter            *reply.Time
}

const (
	ascending  = "Ascending"
	descending = "Descending"
)

func (q *listRequest) check(states []string) error {
	var c reply.Checks
	c.OptionalText("nextToken", q.NextToken, 8192, nil)
	c.OptionalText("nameContains", q.NameContains, 63, nameContains)
	c.Between("maxResults", q.MaxResults, 1, 100)
	c.OptionalEnum("sortOrder", q.SortOrder, ascending, descending)
	if states == nil { // and then it is no member of the request
		q.StatusEquals = ""
		c.OptionalEnum("sortBy", q.SortBy, "Name", "CreationTime")
	} else {
		c.OptionalEnum("statusEquals", q.StatusEquals, states...)
		c.OptionalEnum("sortBy", q.SortBy, "Name", "CreationTime", "Status")
	}
	return c.Err()
}

func (q *listRequest) matches(r resource) bool {
	a := r.about()
	return (q.NameContains == "" || strings.Contains(strings.ToLower(a.Name), strings.ToLower(q.NameContains))) &&
		(q.StatusEquals == "" || q.StatusEquals == r.status()) &&
		within(a.Created, q.CreationTimeAfter, q.CreationTimeBefore) &&
		within(a.Modified, q.LastModifiedTimeAfter, q.LastModifiedTimeBefore)
}

func within(t reply.Time, after, before *reply.Time) bool {
	return (after == nil || t.After(after.Time)) && (before == nil || t.Before(before.Time))
}

// position is where a resource stands in a list. The token of a page is that of
// its last one, so that it holds when the resource is gone before the next page is read.
type position struct {
	Name    string     `json:"n"`
	Status  string     `json:"s,omitempty"`
	Created reply.Time `json:"c"`
}

func positionOf(r resource) position {
	a := r.about()
	return position{a.Name, r.status(), a.Created}
}

// page selects, sorts and cuts; order is the default one.
func page[R resource](q *listRequest, t *table[R], order string) ([]R, string, error) {
	if q.SortOrder == "" {
		q.SortOrder = order
	}
	after, err := q.after()
	if err != nil {
		return nil, "", err
	}
	limit := 10
	if q.MaxResults != nil {
		limit = *q.MaxResults
	}
	find := sorted[R]
	if q.SortBy == "" || q.SortBy == "CreationTime" {
		find = walked[R]
	}
	found := find(q, t, after, limit)
	if len(found) <= limit {
		return found, "", nil
	}
	last, err := json.Marshal(positionOf(found[limit-1]))
	return found[:limit], base64.RawURLEncoding.EncodeToString(last), err
}

// walked gives what matches behind a position, in the order of creation: limit and one more.
func walked[R resource](q *listRequest, t *table[R], after *position, limit int) (found []R) {
	next, step := 0, 1
	if q.SortOrder == descending {
		next, step = len(t.byTime)-1, -1
	}
	if after != nil {
		at, there := t.at(*after)
		switch {
		case step < 0:
			next = at - 1
		case there:
			next = at + 1
		default:
			next = at
		}
	}
	for ; next >= 0 && next < len(t.byTime) && len(found) <= limit; next += step {
		if r := t.byTime[next]; q.matches(r) {
			found = append(found, r)
		}
	}
	return found
}

// sorted gives everything that matches behind a position, in any order that can be asked for.
func sorted[R resource](q *listRequest, t *table[R], after *position, _ int) (found []R) {
	for _, r := range t.byTime {
		if q.matches(r) && (after == nil || q.before(*after, positionOf(r))) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b R) int {
		if q.before(positionOf(a), positionOf(b)) {
			return -1
		}
		return 1
	})
	return found
}

// inTime compares by creation, then by name.
func inTime(a, b position) int {
	return cmp.Or(a.Created.Compare(b.Created.Time), cmp.Compare(a.Name, b.Name))
}

// after is the position that the token names, or nil.
func (q *listRequest) after() (*position, error) {
	if q.NextToken == "" {
		return nil, nil
	}
	p := &position{}
	raw, err := base64.RawURLEncoding.DecodeString(q.NextToken)
	if err == nil {
		err = json.Unmarshal(raw, p)
	}
	if err != nil || p.Name == "" {
		return nil, reply.Validation("Invalid pagination token.")
	}
	return p, nil
}

// before says whether a comes before b in the order that was asked for.
func (q *listRequest) before(a, b position) bool {
	if q.SortOrder == descending {
		a, b = b, a
	}
	switch {
	case q.SortBy == "Name":
		return a.Name < b.Name
	case q.SortBy == "Status" && a.Status != b.Status:
		return a.Status < b.Status
	}
	return inTime(a, b) < 0
}

// list answers a List operation: member holds what entry makes of each resource.
func list[R resource](s *Service, body []byte, t *table[R], order, member string, entry func(R) map[string]any) (any, error) {
	var q listRequest
	if err := reply.Decode(body, &q); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var sample R
	if err := q.check(statesOf(sample)); err != nil {
		return nil, err
	}
	found, token, err := page(&q, t, order)
	if err != nil {
		return nil, err
	}
	entries := make([]map[string]any, len(found))
	for i, r := range found {
		entries[i] = entry(r)
	}
	answer := map[string]any{member: entries}
	if token != "" {
		answer["NextToken"] = token
	}
	return answer, nil
}

// statesOf are those that a list can be asked for; nil for resources without.
func statesOf(r resource) []string {
	switch r.(type) {
	case *endpoint:
		return []string{"OutOfService", creating, updating, "SystemUpdating", rollingBack, inService, deleting, failed, rollbackFailed}
	case *job:
		return []string{inProgress, completed, failed, stopping, stopped, deleting}
	}
	return nil
}
