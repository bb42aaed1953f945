package sagemaker

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// listed is an object as a listing says it.
type listed struct {
	Key          string
	LastModified time.Time
}

// list gives one page of the objects below a prefix, and how to ask for the next;
// empty: this was the last.
func (o *Objects) list(ctx context.Context, at place, token string) ([]listed, string, error) {
	query := url.Values{"list-type": {"2"}, "prefix": {at.key}}
	if token != "" {
		query.Set("continuation-token", token)
	}
	reply, err := o.do(ctx, objectCall{
		operation: "ListObjectsV2", method: http.MethodGet, path: at.bucket, query: strings.ReplaceAll(query.Encode(), "+", "%20"),
	})
	if err != nil {
		return nil, "", err
	}
	var page struct {
		Contents              []listed
		NextContinuationToken string
	}
	if err := xml.Unmarshal(reply.Body, &page); err != nil {
		return nil, "", fmt.Errorf("ListObjectsV2 %s: the answer cannot be read: %w", at, err)
	}
	return page.Contents, page.NextContinuationToken, nil
}
