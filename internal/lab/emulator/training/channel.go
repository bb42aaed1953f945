package training

import (
	"compress/gzip"
	"fmt"
	"io"

	"betimes/internal/lab/learn"
)

// download reads the channels train and validation.
func (r *Runner) download(j Job) (train, validation *learn.Table, err error) {
	for _, c := range j.Channels {
		t, err := r.read(c)
		if err != nil {
			return nil, nil, err
		}
		switch c.Name {
		case "train":
			train = t
		case "validation":
			validation = t
		default:
			return nil, nil, fmt.Errorf("ClientError: channel %q is not known to %s; use train and validation", c.Name, j.Algorithm)
		}
	}
	if train == nil {
		return nil, nil, fmt.Errorf("ClientError: there is no channel named train")
	}
	return train, validation, nil
}

// read joins all objects whose key begins with the channel's.
func (r *Runner) read(c Channel) (*learn.Table, error) {
	objects, err := r.objects(c)
	if err != nil {
		return nil, err
	}
	var all *learn.Table
	for _, o := range objects {
		bucket, key := o.bucket, o.key
		t, err := r.readObject(bucket, key, c)
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = t
			continue
		}
		if t.Width != all.Width {
			return nil, fmt.Errorf("ClientError: s3://%s/%s has %d features, the objects before it have %d", bucket, key, t.Width, all.Width)
		}
		all.Labels, all.Values = append(all.Labels, t.Labels...), append(all.Values, t.Values...)
	}
	return all, nil
}

func (r *Runner) readObject(bucket, key string, c Channel) (*learn.Table, error) {
	body, _, err := r.Buckets.Read(bucket, key)
	if err != nil {
		return nil, fmt.Errorf("ClientError: Data download failed: %w", err)
	}
	defer body.Close()
	var content io.Reader = body
	if c.Gzip {
		if content, err = gzip.NewReader(body); err != nil {
			return nil, fmt.Errorf("ClientError: s3://%s/%s: %w", bucket, key, err)
		}
	}
	t, err := parse(content, c.ContentType)
	if err != nil {
		return nil, fmt.Errorf("ClientError: s3://%s/%s: %w", bucket, key, err)
	}
	return t, nil
}

// parse reads rows of a content type; the items that a sparse record leaves out are 0.
func parse(content io.Reader, contentType string) (*learn.Table, error) {
	if contentType == "application/x-recordio-protobuf" {
		return learn.ReadRecordIO(content, 0)
	}
	return learn.ReadCSV(content, contentType)
}
