package training

import (
	"encoding/json"
	"fmt"
	"io"
	"path"
	"strings"
)

// object is one object of a channel and its name in the channel's folder.
type object struct{ bucket, key, name string }

// maxManifestBytes bounds a manifest; AWS's bound is 5 GB of it.
const maxManifestBytes = 64 << 20

// objects lists what a channel holds; there is at least one.
func (r *Runner) objects(c Channel) ([]object, error) {
	bucket, prefix, err := Split(c.URI)
	if err != nil {
		return nil, fmt.Errorf("ClientError: %w", err)
	}
	if c.Manifest {
		return r.listed(bucket, prefix, c)
	}
	var all []object
	for _, key := range r.Buckets.Keys(bucket, prefix) {
		if name := below(prefix, key); name != "" {
			all = append(all, object{bucket, key, name})
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("ClientError: Data download failed:NoSuchKey (404): The specified key does not exist. No S3 objects found under S3 URL %q given in input data source", c.URI)
	}
	return all, nil
}

// below is the name of an object in a channel: what follows the last folder of
// the prefix. A folder's own marker has none.
func below(prefix, key string) string {
	rest := strings.TrimPrefix(key, prefix)
	if rest == "" || prefix != "" && !strings.HasSuffix(prefix, "/") && rest[0] != '/' {
		rest = strings.TrimPrefix(key, prefix[:strings.LastIndexByte(prefix, '/')+1])
	}
	rest = strings.TrimPrefix(rest, "/")
	if strings.HasSuffix(rest, "/") {
		return ""
	}
	return rest
}

// listed reads a manifest: [{"prefix": "s3://BUCKET/PREFIX"}, "KEY", …].
func (r *Runner) listed(bucket, key string, c Channel) ([]object, error) {
	body, _, err := r.Buckets.Read(bucket, key)
	if err != nil {
		return nil, fmt.Errorf("ClientError: Data download failed: manifest %s: %w", c.URI, err)
	}
	defer body.Close()
	text, err := io.ReadAll(io.LimitReader(body, maxManifestBytes))
	if err != nil {
		return nil, fmt.Errorf("ClientError: Data download failed: manifest %s: %w", c.URI, err)
	}
	all, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("ClientError: manifest %s: %w", c.URI, err)
	}
	return all, nil
}

func parseManifest(text []byte) ([]object, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return nil, fmt.Errorf(`it is not a list such as [{"prefix": "s3://BUCKET/PREFIX/"}, "KEY"]: %w`, err)
	}
	if len(parts) < 2 {
		return nil, fmt.Errorf("it names no object; write a prefix and the keys below it")
	}
	var head struct {
		Prefix string `json:"prefix"`
	}
	if err := json.Unmarshal(parts[0], &head); err != nil {
		return nil, fmt.Errorf(`its first element is not {"prefix": "s3://BUCKET/PREFIX/"}: %w`, err)
	}
	bucket, prefix, err := Split(head.Prefix)
	if err != nil {
		return nil, err
	}
	all := make([]object, 0, len(parts)-1)
	for i, part := range parts[1:] {
		var name string
		if err := json.Unmarshal(part, &name); err != nil || path.Base(name) == "." {
			return nil, fmt.Errorf("element %d is no key", i+2)
		}
		all = append(all, object{bucket, prefix + name, name})
	}
	return all, nil
}
