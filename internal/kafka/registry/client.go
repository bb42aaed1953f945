package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/twmb/avro"

	"betimes/internal/model/exchange"
)

// Bounds of what a registry may answer.
const (
	maxSchemaBytes = 1 << 20
	maxReferences  = 64 // schemas that one schema is made of
	connections    = 8
)

// ErrAway is why a schema is not known for now; it may be later.
var ErrAway = errors.New("the schema registry does not answer")

// client asks the registry.
type client struct {
	config Config
	base   *url.URL
	http   *exchange.Client
}

func newClient(c Config) (*client, error) {
	base, err := url.Parse(strings.TrimRight(c.URL, "/"))
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	authority, err := exchange.Authority(c.CA)
	if err != nil {
		return nil, err
	}
	if _, err := c.Password.Value(); err != nil {
		return nil, fmt.Errorf("password: %w", err)
	}
	return &client{config: c, base: base, http: exchange.New(exchange.Config{Endpoint: "registry", Connections: connections, Timeout: c.Timeout, TLS: authority})}, nil
}

// answer is a schema as the registry tells it.
type answer struct {
	Schema     string `json:"schema"`
	SchemaType string `json:"schemaType"`
	References []struct {
		Subject string `json:"subject"`
		Version int    `json:"version"`
	} `json:"references"`
}

// schema reads one schema by its id, with those that it refers to.
func (c *client) schema(ctx context.Context, id uint32) (*avro.Schema, error) {
	a, err := c.get(ctx, "/schemas/ids/"+strconv.FormatUint(uint64(id), 10))
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	left := maxReferences
	s, err := c.parse(ctx, a, &avro.SchemaCache{}, &left)
	if err != nil {
		return nil, fmt.Errorf("schema %d: %w", id, err)
	}
	return s, nil
}

// parse reads the schemas that a refers to before a itself.
func (c *client) parse(ctx context.Context, a *answer, known *avro.SchemaCache, left *int) (*avro.Schema, error) {
	if a.SchemaType != "" && a.SchemaType != "AVRO" {
		return nil, fmt.Errorf("it is %.20q, not Avro; kafka.topics.events.value says avro", a.SchemaType)
	}
	for _, r := range a.References {
		if *left--; *left < 0 {
			return nil, fmt.Errorf("it refers to more than %d others", maxReferences)
		}
		other, err := c.get(ctx, "/subjects/"+url.PathEscape(r.Subject)+"/versions/"+strconv.Itoa(r.Version))
		if err != nil {
			return nil, fmt.Errorf("reference %.100q: %w", r.Subject, err)
		}
		if _, err := c.parse(ctx, other, known, left); err != nil {
			return nil, fmt.Errorf("reference %.100q: %w", r.Subject, err)
		}
	}
	s, err := known.Parse(a.Schema)
	if err != nil {
		return nil, fmt.Errorf("it is no Avro schema: %w", err)
	}
	return s, nil
}

func (c *client) get(ctx context.Context, path string) (*answer, error) {
	header := http.Header{"Accept": {"application/vnd.schemaregistry.v1+json, application/json"}, "User-Agent": {"betimes"}}
	if c.config.Username != "" {
		password, err := c.config.Password.Value()
		if err != nil {
			return nil, fmt.Errorf("%w: password: %w", ErrAway, err)
		}
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(c.config.Username+":"+password)))
	}
	u, err := url.Parse(c.base.String() + path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	reply, err := c.http.Do(ctx, exchange.Request{Method: http.MethodGet, URL: u, Header: header})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	return read(reply, u)
}

// read understands an answer. That there is no such schema is final; everything
// else may pass.
func read(reply exchange.Reply, u *url.URL) (*answer, error) {
	var refused struct {
		ErrorCode int `json:"error_code"`
	}
	if reply.Status == http.StatusNotFound && json.Unmarshal(reply.Body, &refused) == nil && refused.ErrorCode != 0 {
		return nil, fmt.Errorf("the registry at %s://%s has none of that id", u.Scheme, u.Host)
	}
	if reply.Status != http.StatusOK {
		return nil, fmt.Errorf("%w: %s answers %d; mend registry.url or its password if that stays", ErrAway, u, reply.Status)
	}
	var a answer
	if len(reply.Body) > maxSchemaBytes || json.Unmarshal(reply.Body, &a) != nil || a.Schema == "" {
		return nil, fmt.Errorf("%w: what answers at %s is no schema registry; mend registry.url", ErrAway, u)
	}
	return &a, nil
}
