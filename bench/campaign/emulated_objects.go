package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
)

// content is an object that says which version it is and whether it is whole.
func content(key string, version, size int) []byte {
	head := fmt.Sprintf("%s %d %d\n", key, version, size)
	return append(append([]byte(head), bytes.Repeat([]byte{byte('a' + version%26)}, size)...), "\nend"...)
}

// versionOf is the version of an object that is whole.
func versionOf(key string, text []byte) (string, error) {
	var name string
	var version, size int
	if _, err := fmt.Sscanf(string(text[:min(len(text), 200)]), "%s %d %d\n", &name, &version, &size); err != nil {
		return "", &unexpected{fmt.Sprintf("%d bytes that nobody wrote", len(text))}
	}
	if name != key || !bytes.Equal(text, content(key, version, size)) {
		return "", &unexpected{fmt.Sprintf("%d bytes that are not version %d of it", len(text), version)}
	}
	return fmt.Sprint(version), nil
}

const userBucket = "/campaign/"

func (u *user) object(key string) *register {
	return u.keep(&register{what: "object " + key, read: func(ctx context.Context) (string, error) {
		a, err := u.e.ask(ctx, http.MethodGet, userBucket+key, nil)
		switch {
		case err != nil:
			return "", err
		case a.status == http.StatusNotFound:
			return "", nil
		case !a.done():
			return "", &unexpected{a.refusal()}
		}
		return versionOf(key, a.body)
	}})
}

// anObject is a new one, or one that is written again.
func (u *user) anObject() *register {
	if r, ok := one(u, u.objects); ok && len(u.objects) > 5 && u.IntN(2) == 0 {
		return r
	}
	r := u.object(u.id("o"))
	u.objects = append(u.objects, r)
	return r
}

func (u *user) putObject(ctx context.Context) {
	r := u.anObject()
	key := strings.TrimPrefix(r.what, "object ")
	u.serial++
	version := u.serial
	a, err := u.e.ask(ctx, http.MethodPut, userBucket+key, content(key, version, u.IntN(1<<u.IntN(19))))
	r.wrote(fmt.Sprint(version), u.write(ctx, a, err))
}

func (u *user) deleteObject(ctx context.Context) {
	r, ok := one(u, u.objects)
	if !ok {
		return
	}
	a, err := u.e.ask(ctx, http.MethodDelete, userBucket+strings.TrimPrefix(r.what, "object "), nil)
	r.wrote("", u.write(ctx, a, err))
}

// putParts writes an object in two parts; what is not completed is not there.
func (u *user) putParts(ctx context.Context) {
	r := u.anObject()
	key := strings.TrimPrefix(r.what, "object ")
	u.serial++
	version := u.serial
	whole := content(key, version, 5<<20+u.IntN(1000))
	id, ok := u.beginParts(ctx, key)
	if !ok {
		return
	}
	var list strings.Builder
	for n, part := range [][]byte{whole[:5<<20], whole[5<<20:]} {
		a, err := u.e.ask(ctx, http.MethodPut, fmt.Sprintf("%s%s?partNumber=%d&uploadId=%s", userBucket, key, n+1, id), part)
		if u.write(ctx, a, err) != sure {
			return
		}
		fmt.Fprintf(&list, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", n+1, a.header.Get("Etag"))
	}
	text := "<CompleteMultipartUpload>" + list.String() + "</CompleteMultipartUpload>"
	a, err := u.e.ask(ctx, http.MethodPost, userBucket+key+"?uploadId="+id, []byte(text))
	r.wrote(fmt.Sprint(version), u.write(ctx, a, err))
}

func (u *user) beginParts(ctx context.Context, key string) (id string, ok bool) {
	a, err := u.e.ask(ctx, http.MethodPost, userBucket+key+"?uploads", nil)
	if u.write(ctx, a, err) != sure {
		return "", false
	}
	_, after, _ := strings.Cut(string(a.body), "<UploadId>")
	id, _, ok = strings.Cut(after, "</UploadId>")
	return id, ok
}
