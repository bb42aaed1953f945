package scaling

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"betimes/internal/lab/emulator/reply"
)

// The one namespace and dimension that are built.
const (
	namespace = "sagemaker"
	dimension = "sagemaker:variant:DesiredInstanceCount"
)

// namespaces are those of the model.
var namespaces = []string{
	"ecs", "elasticmapreduce", "ec2", "appstream", "dynamodb", "rds", "sagemaker", "custom-resource", "comprehend", "lambda", "cassandra", "kafka", "elasticache", "neptune", "workspaces",
}

// place is what every operation is about.
type place struct {
	ServiceNamespace  string
	ResourceID        string `json:"ResourceId"`
	ScalableDimension string
}

// key is the same for the same target.
func (p place) key() string { return p.ResourceID + "|" + p.ScalableDimension }

// variant reads endpoint/NAME/variant/NAME.
func (p place) variant() (endpoint, variant string, ok bool) {
	words := strings.Split(p.ResourceID, "/")
	if len(words) != 4 || words[0] != "endpoint" || words[2] != "variant" || words[1] == "" || words[3] == "" {
		return "", "", false
	}
	return words[1], words[3], true
}

// check refuses what AWS refuses, and what is not built here.
func (p place) check(c *reply.Checks) error {
	if p.ServiceNamespace == "" {
		c.Missing("serviceNamespace")
	}
	c.OptionalEnum("serviceNamespace", p.ServiceNamespace, namespaces...)
	c.Text("resourceId", p.ResourceID, 1600, nil)
	if p.ScalableDimension == "" {
		c.Missing("scalableDimension")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if p.ServiceNamespace != namespace {
		return invalid("Service namespace %s is not built in this emulator; use %s.", p.ServiceNamespace, namespace)
	}
	if p.ScalableDimension != dimension {
		return invalid("Scalable dimension %s is not built in this emulator; use %s.", p.ScalableDimension, dimension)
	}
	if _, _, ok := p.variant(); !ok {
		return invalid("Unsupported resource ID %s; use endpoint/NAME/variant/NAME.", p.ResourceID)
	}
	return nil
}

func (p place) describe() map[string]any {
	return map[string]any{"ServiceNamespace": p.ServiceNamespace, "ResourceId": p.ResourceID, "ScalableDimension": p.ScalableDimension}
}

// read reads a request and checks it.
func read(body []byte, r interface{ check() error }) error {
	if err := reply.Decode(body, r); err != nil {
		return err
	}
	return r.check()
}

// filter is what Describe operations share.
type filter struct {
	ServiceNamespace  string
	ResourceID        string   `json:"ResourceId"`
	ResourceIDs       []string `json:"ResourceIds"`
	ScalableDimension string
	PolicyNames       []string
	ScheduledNames    []string `json:"ScheduledActionNames"`
	NextToken         string
	MaxResults        *int
	NotScaled         bool `json:"IncludeNotScaledActivities"`
}

// maxPage is the most, and the standard, of a page.
const maxPage = 50

func (f *filter) check() error {
	var c reply.Checks
	if f.ServiceNamespace == "" {
		c.Missing("serviceNamespace")
	}
	c.OptionalEnum("serviceNamespace", f.ServiceNamespace, namespaces...)
	c.Least("maxResults", f.MaxResults, 1)
	c.Most("maxResults", f.MaxResults, maxPage)
	return c.Err()
}

func (f *filter) matches(p place) bool {
	return f.ServiceNamespace == p.ServiceNamespace && (f.ResourceID == "" || f.ResourceID == p.ResourceID) &&
		(len(f.ResourceIDs) == 0 || slices.Contains(f.ResourceIDs, p.ResourceID)) &&
		(f.ScalableDimension == "" || f.ScalableDimension == p.ScalableDimension)
}

// describe answers a Describe operation: list gives what matches, in order.
func (s *Service) describe(body []byte, member string, list func(f *filter) []map[string]any) (any, error) {
	var f filter
	if err := read(body, &f); err != nil {
		return nil, err
	}
	skip, err := readToken(f.NextToken)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	all := list(&f)
	s.mu.Unlock()
	size := maxPage
	if f.MaxResults != nil {
		size = *f.MaxResults
	}
	page := all[min(skip, len(all)):min(skip+size, len(all))]
	answer := map[string]any{member: append([]map[string]any{}, page...)}
	if skip+size < len(all) {
		answer["NextToken"] = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(skip + size)))
	}
	return answer, nil
}

func readToken(token string) (int, error) {
	if token == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(token)
	n := 0
	if err == nil {
		n, err = strconv.Atoi(string(raw))
	}
	if err != nil || n < 0 || n > 1<<30 {
		return 0, reply.Modelled("InvalidNextTokenException", "The next token is not valid.")
	}
	return n, nil
}
