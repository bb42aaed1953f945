package objects

import (
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/url"
	"strings"
)

const maxKeys = 1000

// listing is ListObjects version 1 and 2: absent members are left out.
type listing struct {
	XMLName     xml.Name      `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name        string        `xml:"Name"`
	Prefix      string        `xml:"Prefix"`
	Delimiter   string        `xml:"Delimiter,omitempty"`
	Marker      *string       `xml:"Marker"`
	NextMarker  string        `xml:"NextMarker,omitempty"`
	StartAfter  string        `xml:"StartAfter,omitempty"`
	Token       string        `xml:"ContinuationToken,omitempty"`
	NextToken   string        `xml:"NextContinuationToken,omitempty"`
	KeyCount    *int          `xml:"KeyCount"`
	MaxKeys     int           `xml:"MaxKeys"`
	Encoding    string        `xml:"EncodingType,omitempty"`
	IsTruncated bool          `xml:"IsTruncated"`
	Contents    []listed      `xml:"Contents"`
	Prefixes    []listedGroup `xml:"CommonPrefixes"`
}

type listed struct {
	Key          string `xml:"Key"`
	LastModified string `xml:"LastModified"`
	ETag         string `xml:"ETag"`
	Size         int64  `xml:"Size"`
	StorageClass string `xml:"StorageClass"`
}

type listedGroup struct {
	Prefix string `xml:"Prefix"`
}

// list answers ListObjects and, with list-type=2, ListObjectsV2.
func (s *Server) list(c call) error {
	q := c.r.URL.Query()
	most, err := atMost(q, "max-keys")
	if err != nil {
		return err
	}
	out := listing{Name: c.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), Encoding: q.Get("encoding-type"), MaxKeys: most}
	second := q.Get("list-type") == "2"
	after, err := out.start(q, second)
	if err != nil {
		return err
	}
	last := s.page(c.bucket, after, &out)
	out.finish(last, second)
	writeXML(c.w, http.StatusOK, out)
	return nil
}

// start finds the key after which the page begins.
func (l *listing) start(q url.Values, second bool) (string, error) {
	if !second {
		marker := q.Get("marker")
		l.Marker = &marker
		return marker, nil
	}
	l.StartAfter, l.Token = q.Get("start-after"), q.Get("continuation-token")
	if l.Token == "" {
		return l.StartAfter, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(l.Token)
	if err != nil {
		return "", fail(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
	}
	return string(raw), nil
}

// page fills the listing with what comes after a key; it returns the last key or group in it.
func (s *Server) page(bucketName, after string, out *listing) string {
	last := after
	for _, key := range s.Buckets.Keys(bucketName, out.Prefix) {
		group := groupOf(key, out.Prefix, out.Delimiter)
		if key <= after || (group != "" && (group <= after || group == last)) {
			continue
		}
		if len(out.Contents)+len(out.Prefixes) == out.MaxKeys {
			out.IsTruncated = out.MaxKeys > 0
			return last
		}
		if group != "" {
			out.Prefixes = append(out.Prefixes, listedGroup{group})
			last = group
			continue
		}
		info, ok := s.Buckets.Info(bucketName, key)
		if !ok { // deleted meanwhile
			continue
		}
		out.Contents = append(out.Contents, listed{key, info.Modified.Format(stamp), info.ETag, info.Size, "STANDARD"})
		last = key
	}
	return last
}

// groupOf is the common prefix that stands for key, or "".
func groupOf(key, prefix, delimiter string) string {
	if delimiter == "" {
		return ""
	}
	head, _, found := strings.Cut(key[len(prefix):], delimiter)
	if !found {
		return ""
	}
	return prefix + head + delimiter
}

func (l *listing) finish(last string, second bool) {
	if second {
		count := len(l.Contents) + len(l.Prefixes)
		l.KeyCount = &count
		if l.IsTruncated {
			l.NextToken = base64.RawURLEncoding.EncodeToString([]byte(last))
		}
	} else if l.IsTruncated {
		l.NextMarker = last
	}
	if l.Encoding != "url" {
		return
	}
	escape(&l.Prefix, &l.Delimiter, &l.StartAfter, &l.NextMarker)
	if l.Marker != nil {
		escape(l.Marker)
	}
	for i := range l.Contents {
		escape(&l.Contents[i].Key)
	}
	for i := range l.Prefixes {
		escape(&l.Prefixes[i].Prefix)
	}
}

// escape writes texts as encoding-type=url wants them: slashes stay.
func escape(texts ...*string) {
	for _, t := range texts {
		*t = strings.ReplaceAll(url.QueryEscape(*t), "%2F", "/")
	}
}
