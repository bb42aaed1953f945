package control

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

type tag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// tagSet is the tags of one ARN, which is its name, in lower case.
type tagSet struct {
	record
	Tags []tag `json:"tags"`
}

const maxTags = 50

// tag adds tags to a resource; s.mu is held.
func (s *Service) tag(arn string, tags []tag) error {
	if len(tags) == 0 {
		return nil
	}
	name := strings.ToLower(arn)
	set := &tagSet{record: record{Name: name, ARN: arn}}
	if old, ok := s.tags.get(name); ok {
		set.Tags = append(set.Tags, old.Tags...)
	}
	for _, t := range tags {
		set.Tags = put(set.Tags, t)
	}
	if len(set.Tags) > maxTags {
		return reply.Validation("A resource can have at most %d tags, this one would have %d.", maxTags, len(set.Tags))
	}
	return s.tags.put(set)
}

func put(tags []tag, t tag) []tag {
	for i := range tags {
		if tags[i].Key == t.Key {
			tags[i] = t
			return tags
		}
	}
	return append(tags, t)
}

// forget removes the tags of a deleted resource.
func (s *Service) forget(arn string, err error) error {
	if err != nil {
		return err
	}
	return s.tags.delete(strings.ToLower(arn))
}

// forgetStray removes tags whose resource a killed run had deleted: the next of
// that name begins without them.
func (s *Service) forgetStray() error {
	known := map[string]bool{}
	for _, arns := range []func(map[string]bool){s.models.arns, s.configs.arns, s.endpoints.arns, s.jobs.arns, s.groups.arns, s.packages.arns} {
		arns(known)
	}
	var errs []error
	for _, name := range s.tags.names() {
		if !known[name] {
			errs = append(errs, s.tags.delete(name))
		}
	}
	return errors.Join(errs...)
}

type tagsRequest struct {
	ResourceArn string
	Tags        []tag
	TagKeys     []string
	MaxResults  *int
	NextToken   string
}

// tagged finds a resource by its ARN in any case; s.mu is held.
func (s *Service) tagged(body []byte) (tagsRequest, error) {
	var r tagsRequest
	if err := reply.Decode(body, &r); err != nil {
		return r, err
	}
	var c reply.Checks
	c.Text("resourceArn", r.ResourceArn, 256, nil)
	checkTags(&c, "tags", r.Tags)
	c.Length("tagKeys", len(r.TagKeys), 0, 50)
	c.Between("maxResults", r.MaxResults, 50, math.MaxInt32)
	if err := c.Err(); err != nil {
		return r, err
	}
	if !s.exists(r.ResourceArn) {
		return r, reply.Validation("Could not find resource %q.", r.ResourceArn)
	}
	return r, nil
}

func (s *Service) exists(arn string) bool {
	for _, found := range []bool{has(s.models, arn), has(s.configs, arn), has(s.endpoints, arn), has(s.jobs, arn), has(s.groups, arn), has(s.packages, arn) && !isVersion(arn)} {
		if found {
			return true
		}
	}
	return false
}

func has[R resource](t *table[R], arn string) bool {
	for _, r := range t.all {
		if strings.EqualFold(r.about().ARN, arn) {
			return true
		}
	}
	return false
}

func (s *Service) tagsOf(arn string) []tag {
	if set, ok := s.tags.get(strings.ToLower(arn)); ok {
		return set.Tags
	}
	return []tag{}
}

func (s *Service) addTags(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.tagged(body)
	if err != nil {
		return nil, err
	}
	if err := s.tag(r.ResourceArn, r.Tags); err != nil {
		return nil, err
	}
	if r.NextToken != "" { // one page has all tags that there can be, so no token was given
		return nil, reply.Validation("Invalid pagination token.")
	}
	return map[string]any{"Tags": s.tagsOf(r.ResourceArn)}, nil
}

func (s *Service) listTags(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.tagged(body)
	if err != nil {
		return nil, err
	}
	if r.NextToken != "" { // one page has all tags that there can be, so no token was given
		return nil, reply.Validation("Invalid pagination token.")
	}
	return map[string]any{"Tags": s.tagsOf(r.ResourceArn)}, nil
}

func (s *Service) deleteTags(_ context.Context, body []byte) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.tagged(body)
	if err != nil {
		return nil, err
	}
	set := &tagSet{record: record{Name: strings.ToLower(r.ResourceArn), ARN: r.ResourceArn}}
	for _, t := range s.tagsOf(r.ResourceArn) {
		if !slices.Contains(r.TagKeys, t.Key) {
			set.Tags = append(set.Tags, t)
		}
	}
	return struct{}{}, s.tags.put(set)
}
