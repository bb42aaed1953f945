package sagemaker

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"

	"betimes/internal/model"
	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

const objectsTimeout = 10 * time.Minute

// Objects is S3, path style: every call names its bucket in the path. Errors
// are *ControlError, or *model.Error when no answer came.
type Objects struct{ service *service }

// Objects makes the client of S3 for the place of an endpoint.
func (a *Account) Objects(c Config) (*Objects, error) { return a.objects(c, controlConnections) }

func (a *Account) objects(c Config, connections int) (*Objects, error) {
	s, err := a.service(objectsAPI(), c, connections, objectsTimeout)
	if err != nil {
		return nil, err
	}
	return &Objects{s}, nil
}

// Close closes idle connections.
func (o *Objects) Close() { o.service.exchange.Close() }

// EnsureBucket makes a bucket unless it is there.
func (o *Objects) EnsureBucket(ctx context.Context, bucket string) error {
	_, err := o.do(ctx, objectCall{operation: "HeadBucket", method: http.MethodHead, path: bucket})
	if !IsMissing(err) {
		return err
	}
	create := objectCall{operation: "CreateBucket", method: http.MethodPut, path: bucket}
	if region := o.service.region; region != "us-east-1" { // the one region that must not be named
		create.contentType = "application/xml"
		create.body = []byte(`<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>` +
			region + `</LocationConstraint></CreateBucketConfiguration>`)
	}
	_, err = o.do(ctx, create)
	if IsTaken(err) {
		return nil
	}
	return err
}

// Put writes an object whole.
func (o *Objects) Put(ctx context.Context, bucket, key string, body []byte) error {
	return o.put(ctx, place{bucket, key}, "application/octet-stream", body)
}

func (o *Objects) put(ctx context.Context, at place, contentType string, body []byte) error {
	_, err := o.do(ctx, objectCall{operation: "PutObject", method: http.MethodPut, path: at.bucket + "/" + at.key, contentType: contentType, body: body})
	return err
}

// Get reads an object of at most 32 MiB.
func (o *Objects) Get(ctx context.Context, bucket, key string) ([]byte, error) {
	reply, err := o.do(ctx, objectCall{operation: "GetObject", method: http.MethodGet, path: bucket + "/" + key})
	return reply.Body, err
}

// Delete removes an object; one that is not there is no error.
func (o *Objects) Delete(ctx context.Context, bucket, key string) error {
	_, err := o.do(ctx, objectCall{operation: "DeleteObject", method: http.MethodDelete, path: bucket + "/" + key})
	if IsMissing(err) {
		return nil
	}
	return err
}

// Exists says whether there is such an object.
func (o *Objects) Exists(ctx context.Context, bucket, key string) (bool, error) {
	_, err := o.do(ctx, objectCall{operation: "HeadObject", method: http.MethodHead, path: bucket + "/" + key})
	if IsMissing(err) {
		return false, nil
	}
	return err == nil, err
}

// objectCall is one call of S3.
type objectCall struct {
	operation, method string
	path              string // bucket, or bucket/key
	query             string // escaped, blanks as %20: that is what is signed
	contentType       string // of the body
	body              []byte
}

func (o *Objects) do(ctx context.Context, c objectCall) (exchange.Reply, error) {
	u := o.service.at("/" + c.path)
	u.RawPath, u.RawQuery = wire.EscapePath(u.Path), c.query
	header := http.Header{"User-Agent": {"betimes"}, wire.HeaderContentHash: {wire.PayloadHash(c.body)}}
	if c.contentType != "" {
		header.Set("Content-Type", c.contentType)
	}
	signed := wire.Request{Method: c.method, URL: u, Header: header, PayloadHash: header.Get(wire.HeaderContentHash)}
	who, err := o.service.sign(ctx, signed)
	if err != nil {
		return exchange.Reply{}, fmt.Errorf("%s: %w", c.operation, err)
	}
	reply, err := o.service.exchange.Do(ctx, exchange.Request{Method: c.method, URL: u, Header: header, Body: c.body})
	if err != nil {
		return reply, fmt.Errorf("%s s3://%s: %w", c.operation, c.path, err)
	}
	if reply.Status < 200 || reply.Status > 299 {
		refusal := o.refused(c.operation, c.path, reply)
		if reply.Status == http.StatusForbidden || isDenial(refusal.Name) {
			cause, _ := o.service.denied(ctx, who, refusal.Name, reply.Header)
			return reply, fmt.Errorf("%w; %w", refusal, cause)
		}
		return reply, refusal
	}
	return reply, nil
}

func (o *Objects) refused(operation, path string, reply exchange.Reply) *ControlError {
	var said struct{ Code, Message string }
	_ = xml.Unmarshal(reply.Body, &said) // HEAD has no body: the status has to do
	e := &ControlError{Operation: operation + " s3://" + path, Status: reply.Status, Name: said.Code, Message: said.Message}
	if said.Code == "" {
		e.Message = strings.TrimSpace(http.StatusText(reply.Status) + " " + model.Excerpt(reply.Body))
	}
	return e
}
