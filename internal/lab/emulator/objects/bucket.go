package objects

import (
	"crypto/md5" //nolint:gosec // Content-MD5 is MD5 by definition
	"encoding/base64"
	"encoding/xml"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

const stamp = "2006-01-02T15:04:05.000Z"

type owner struct {
	ID          string `xml:"ID"`
	DisplayName string `xml:"DisplayName"`
}

type bucketList struct {
	XMLName xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListAllMyBucketsResult"`
	Owner   owner         `xml:"Owner"`
	Buckets []bucketEntry `xml:"Buckets>Bucket"`
	Prefix  string        `xml:"Prefix,omitempty"`
	Token   string        `xml:"ContinuationToken,omitempty"`
}

type bucketEntry struct {
	Name    string `xml:"Name"`
	Created string `xml:"CreationDate"`
	Region  string `xml:"BucketRegion"`
}

// maxBuckets is the longest page of ListBuckets.
const maxBuckets = 10000

// listBuckets answers with those of the account, by name; the token of a page is the last name that it shows.
func (s *Server) listBuckets(c call) error {
	q := c.r.URL.Query()
	most, err := whole(q, "max-buckets", maxBuckets)
	if err != nil {
		return err
	}
	list := bucketList{Owner: owner{"betimes", "betimes"}, Prefix: q.Get("prefix")}
	after, region := q.Get("continuation-token"), q.Get("bucket-region")
	s.Buckets.mu.RLock()
	for _, b := range s.Buckets.buckets {
		if b.owner() == s.Account && b.Name > after && strings.HasPrefix(b.Name, list.Prefix) && (region == "" || region == b.region()) {
			list.Buckets = append(list.Buckets, bucketEntry{b.Name, b.Created.Format(stamp), b.region()})
		}
	}
	s.Buckets.mu.RUnlock()
	slices.SortFunc(list.Buckets, func(x, y bucketEntry) int { return strings.Compare(x.Name, y.Name) })
	if most = max(1, min(most, maxBuckets)); len(list.Buckets) > most {
		list.Buckets = list.Buckets[:most]
		list.Token = list.Buckets[most-1].Name
	}
	writeXML(c.w, http.StatusOK, list)
	return nil
}

func (s *Server) deleteBucket(c call) error {
	s.Buckets.mu.Lock()
	defer s.Buckets.mu.Unlock()
	b := s.Buckets.buckets[c.bucket]
	if b == nil {
		return noBucket(c.bucket)
	}
	if len(b.objects) > 0 {
		return fail(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	}
	if err := os.RemoveAll(s.Buckets.bucketDir(c.bucket)); err != nil {
		return err
	}
	delete(s.Buckets.buckets, c.bucket)
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

type deletion struct {
	Objects []struct {
		Key string `xml:"Key"`
	} `xml:"Object"`
	Quiet bool `xml:"Quiet"`
}

type deleted struct {
	XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
	Deleted []keyOf  `xml:"Deleted"`
}

type keyOf struct {
	Key string `xml:"Key"`
}

// maxDeletion is the largest DeleteObjects body: 1,000 keys of 1,024 bytes, escaped.
const maxDeletion = 8 << 20

func (s *Server) deleteObjects(c call) error {
	raw, err := readLimited(c.r.Body, maxDeletion)
	if err != nil {
		return err
	}
	if text := c.r.Header.Get("Content-Md5"); text != "" {
		if sum := md5.Sum(raw); base64.StdEncoding.EncodeToString(sum[:]) != text {
			return fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	var d deletion
	if err := xml.Unmarshal(raw, &d); err != nil || len(d.Objects) == 0 || len(d.Objects) > 1000 {
		return fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	var done deleted
	for _, o := range d.Objects {
		if err := s.Buckets.Delete(c.bucket, o.Key); err != nil {
			return err
		}
		if !d.Quiet {
			done.Deleted = append(done.Deleted, keyOf(o))
		}
	}
	writeXML(c.w, http.StatusOK, done)
	return nil
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = fail(http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too big.")
	}
	return raw, err
}
