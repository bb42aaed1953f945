package objects

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages reads a list to its end: all that the item matches, and the length of each page.
func (b *bench) pages(path, item string, next ...string) (all []string, lengths []int) {
	b.t.Helper()
	for ask := path; ask != ""; {
		got := b.do("GET", ask, "")
		if got.Code != 200 {
			b.t.Fatalf("%s answered %d %s", ask, got.Code, got.Body)
		}
		found := regexp.MustCompile(item).FindAllStringSubmatch(got.Body.String(), -1)
		for _, f := range found {
			all = append(all, strings.Join(f[1:], " "))
		}
		lengths = append(lengths, len(found))
		ask = ""
		for i := 0; i < len(next); i += 2 {
			if token := regexp.MustCompile("<" + next[i] + ">(.*?)</" + next[i] + ">").FindStringSubmatch(got.Body.String()); token != nil {
				ask += "&" + next[i+1] + "=" + token[1]
			}
		}
		if ask != "" {
			ask = path + ask
		}
	}
	return all, lengths
}

func TestPartsUploadsAndBucketsAreListedByPages(t *testing.T) {
	b := open(t, t.TempDir())
	for i := range 5 {
		b.do("PUT", fmt.Sprintf("/bucket-%d", i), "")
	}
	var uploads []string
	for _, key := range []string{"b", "a", "b", "c", "b", "x/y"} {
		body := b.do("POST", "/bucket-0/"+key+"?uploads", "").Body.String()
		uploads = append(uploads, key+" "+regexp.MustCompile("<UploadId>(.*)</UploadId>").FindStringSubmatch(body)[1])
	}
	_, id, _ := strings.Cut(uploads[1], " ")
	for n := range 5 {
		b.do("PUT", fmt.Sprintf("/bucket-0/a?uploadId=%s&partNumber=%d", id, 2*n+1), "x")
	}
	slices.Sort(uploads)
	for _, c := range []struct {
		name, path, item string
		next             []string
		want             []string
		lengths          []int
	}{
		{"parts", "/bucket-0/a?uploadId=" + id + "&max-parts=2", "<PartNumber>(.*?)</PartNumber>", []string{"NextPartNumberMarker", "part-number-marker"},
			[]string{"1", "3", "5", "7", "9"}, []int{2, 2, 1}},
		{"uploads of which several are of one key", "/bucket-0?uploads&max-uploads=2", "<Upload><Key>(.*?)</Key><UploadId>(.*?)</UploadId>",
			[]string{"NextKeyMarker", "key-marker", "NextUploadIdMarker", "upload-id-marker"}, uploads, []int{2, 2, 2}},
		{"uploads of a prefix", "/bucket-0?uploads&prefix=x/", "<Upload><Key>(.*?)</Key><UploadId>(.*?)</UploadId>", nil, uploads[5:], []int{1}},
		{"uploads after a key", "/bucket-0?uploads&key-marker=b", "<Upload><Key>(.*?)</Key>", nil, []string{"c", "x/y"}, []int{2}},
		{"buckets", "/?max-buckets=2", "<Name>(.*?)</Name>", []string{"ContinuationToken", "continuation-token"},
			[]string{"bucket-0", "bucket-1", "bucket-2", "bucket-3", "bucket-4"}, []int{2, 2, 1}},
		{"buckets of a prefix", "/?prefix=bucket-3", "<Name>(.*?)</Name>", nil, []string{"bucket-3"}, []int{1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, lengths := b.pages(c.path, c.item, c.next...); !slices.Equal(got, c.want) || !slices.Equal(lengths, c.lengths) {
				t.Errorf("pages of %v: %q, want %q", lengths, got, c.want)
			}
		})
	}
	for _, path := range []string{"/bucket-0?uploads&max-uploads=x", "/bucket-0?uploads&delimiter=/", "/bucket-0/a?uploadId=" + id + "&max-parts=-1", "/?max-buckets=x"} {
		if got := b.do("GET", path, ""); got.Code != 400 {
			t.Errorf("%s answered %d", path, got.Code)
		}
	}
}
