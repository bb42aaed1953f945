package objects

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type partList struct {
	XMLName     xml.Name    `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListPartsResult"`
	Bucket      string      `xml:"Bucket"`
	Key         string      `xml:"Key"`
	UploadID    string      `xml:"UploadId"`
	Marker      int         `xml:"PartNumberMarker"`
	NextMarker  int         `xml:"NextPartNumberMarker,omitempty"`
	MaxParts    int         `xml:"MaxParts"`
	IsTruncated bool        `xml:"IsTruncated"`
	Parts       []partEntry `xml:"Part"`
}

type partEntry struct {
	Number       int    `xml:"PartNumber"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int64  `xml:"Size"`
}

// listParts answers the parts of an upload, by number.
func (s *Server) listParts(c call, u *upload) error {
	q := c.r.URL.Query()
	most, err := atMost(q, "max-parts")
	if err != nil {
		return err
	}
	after, err := whole(q, "part-number-marker", 0)
	if err != nil {
		return err
	}
	out := partList{Bucket: u.Bucket, Key: u.Key, UploadID: u.ID, Marker: after, MaxParts: most}
	s.Buckets.mu.RLock()
	for n, p := range u.parts {
		if n > after {
			out.Parts = append(out.Parts, partEntry{n, p.When.Format(stamp), p.ETag, p.Size})
		}
	}
	s.Buckets.mu.RUnlock()
	slices.SortFunc(out.Parts, func(x, y partEntry) int { return cmp.Compare(x.Number, y.Number) })
	if len(out.Parts) > most {
		out.Parts, out.IsTruncated = out.Parts[:most], most > 0
	}
	if out.IsTruncated {
		out.NextMarker = out.Parts[most-1].Number
	}
	writeXML(c.w, http.StatusOK, out)
	return nil
}

type uploadList struct {
	XMLName     xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListMultipartUploadsResult"`
	Bucket      string        `xml:"Bucket"`
	Prefix      string        `xml:"Prefix"`
	KeyMarker   string        `xml:"KeyMarker"`
	IDMarker    string        `xml:"UploadIdMarker"`
	NextKey     string        `xml:"NextKeyMarker,omitempty"`
	NextID      string        `xml:"NextUploadIdMarker,omitempty"`
	MaxUploads  int           `xml:"MaxUploads"`
	Encoding    string        `xml:"EncodingType,omitempty"`
	IsTruncated bool          `xml:"IsTruncated"`
	Uploads     []uploadEntry `xml:"Upload"`
}

type uploadEntry struct {
	Key       string `xml:"Key"`
	UploadID  string `xml:"UploadId"`
	Initiated string `xml:"Initiated"`
}

// listUploads answers the uploads under way in a bucket, by key and id.
func (s *Server) listUploads(c call) error {
	q := c.r.URL.Query()
	if q.Get("delimiter") != "" {
		return notBuilt("ListMultipartUploads with a delimiter")
	}
	most, err := atMost(q, "max-uploads")
	if err != nil {
		return err
	}
	out := uploadList{Bucket: c.bucket, Prefix: q.Get("prefix"), KeyMarker: q.Get("key-marker"), IDMarker: q.Get("upload-id-marker"), MaxUploads: most, Encoding: q.Get("encoding-type")}
	out.Uploads = s.Buckets.uploadsAfter(&out)
	if len(out.Uploads) > most {
		out.Uploads, out.IsTruncated = out.Uploads[:most], most > 0
	}
	if out.IsTruncated {
		last := out.Uploads[most-1]
		out.NextKey, out.NextID = last.Key, last.UploadID
	}
	out.encode()
	writeXML(c.w, http.StatusOK, out)
	return nil
}

// uploadsAfter are those of the bucket and prefix of a list that come after its markers, in order.
func (b *Buckets) uploadsAfter(l *uploadList) []uploadEntry {
	var found []uploadEntry
	b.mu.RLock()
	for _, u := range b.uploads {
		later := u.Key > l.KeyMarker || u.Key == l.KeyMarker && l.IDMarker != "" && u.ID > l.IDMarker
		if u.Bucket == l.Bucket && strings.HasPrefix(u.Key, l.Prefix) && later {
			found = append(found, uploadEntry{u.Key, u.ID, u.Started.Format(stamp)})
		}
	}
	b.mu.RUnlock()
	slices.SortFunc(found, func(x, y uploadEntry) int {
		return cmp.Or(strings.Compare(x.Key, y.Key), strings.Compare(x.UploadID, y.UploadID))
	})
	return found
}

func (l *uploadList) encode() {
	if l.Encoding != "url" {
		return
	}
	escape(&l.Prefix, &l.KeyMarker, &l.NextKey)
	for i := range l.Uploads {
		escape(&l.Uploads[i].Key)
	}
}

// atMost reads how long a page may be; a thousand is the most.
func atMost(q url.Values, name string) (int, error) {
	n, err := whole(q, name, maxKeys)
	return min(n, maxKeys), err
}

// whole reads a number from 0.
func whole(q url.Values, name string, standard int) (int, error) {
	text := q.Get(name)
	if text == "" {
		return standard, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fail(http.StatusBadRequest, "InvalidArgument", "Provided "+name+" not an integer or within integer range")
	}
	return n, nil
}
