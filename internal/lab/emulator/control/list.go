package control

import (
	"encoding/base64"
	"sort"
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
	var c checks
	c.optionalText("nextToken", q.NextToken, 8192, nil)
	c.optionalText("nameContains", q.NameContains, 63, nameContains)
	c.between("maxResults", q.MaxResults, 1, 100)
	c.optionalEnum("sortOrder", q.SortOrder, ascending, descending)
	if states == nil { // and then it is no member of the request
		q.StatusEquals = ""
		c.optionalEnum("sortBy", q.SortBy, "Name", "CreationTime")
	} else {
		c.optionalEnum("statusEquals", q.StatusEquals, states...)
		c.optionalEnum("sortBy", q.SortBy, "Name", "CreationTime", "Status")
	}
	return c.err()
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

// page selects, sorts and cuts; order is the default one. The token names the last resource of a page.
func page[R resource](q *listRequest, t *table[R], order string) ([]R, string, error) {
	var found []R
	for _, r := range t.all {
		if q.matches(r) {
			found = append(found, r)
		}
	}
	if q.SortOrder != "" {
		order = q.SortOrder
	}
	sort.Slice(found, func(i, j int) bool {
		if order == descending {
			i, j = j, i
		}
		return q.less(found[i], found[j])
	})
	start, err := q.start(len(found), func(i int) string { return found[i].about().Name })
	if err != nil {
		return nil, "", err
	}
	limit := 10
	if q.MaxResults != nil {
		limit = *q.MaxResults
	}
	end := min(start+limit, len(found))
	if end == len(found) {
		return found[start:end], "", nil
	}
	return found[start:end], base64.RawURLEncoding.EncodeToString([]byte(found[end-1].about().Name)), nil
}

// start is the index after the resource that the token names.
func (q *listRequest) start(n int, name func(int) string) (int, error) {
	if q.NextToken == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.NextToken)
	if err == nil {
		for i := range n {
			if name(i) == string(raw) {
				return i + 1, nil
			}
		}
	}
	return 0, reply.Validation("Invalid pagination token.")
}

func (q *listRequest) less(a, b resource) bool {
	x, y := a.about(), b.about()
	switch {
	case q.SortBy == "Name":
		return x.Name < y.Name
	case q.SortBy == "Status" && a.status() != b.status():
		return a.status() < b.status()
	case !x.Created.Equal(y.Created.Time):
		return x.Created.Before(y.Created.Time)
	}
	return x.Name < y.Name
}

// list answers a List operation: member holds what entry makes of each resource.
func list[R resource](s *Service, body []byte, t *table[R], order, member string, entry func(R) map[string]any) (any, error) {
	var q listRequest
	if err := decode(body, &q); err != nil {
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
