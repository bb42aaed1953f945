package objects

import (
	"crypto/md5" //nolint:gosec // ETag is MD5 by definition
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

type completion struct {
	Parts []struct {
		Number int    `xml:"PartNumber"`
		ETag   string `xml:"ETag"`
	} `xml:"Part"`
}

type completed struct {
	XMLName  xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ CompleteMultipartUploadResult"`
	Location string   `xml:"Location"`
	Bucket   string   `xml:"Bucket"`
	Key      string   `xml:"Key"`
	ETag     string   `xml:"ETag"`
}

func (s *Server) completeUpload(c call, u *upload) error {
	raw, err := readLimited(c.r.Body, maxDeletion)
	if err != nil {
		return err
	}
	var want completion
	if err := xml.Unmarshal(raw, &want); err != nil || len(want.Parts) == 0 {
		return fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	numbers, etag, err := s.Buckets.chosen(u, want)
	if err != nil {
		return err
	}
	joined := &joiner{buckets: s.Buckets, id: u.ID, numbers: numbers}
	defer joined.Close()
	info, err := s.Buckets.Put(u.Bucket, Info{Key: u.Key, Headers: u.Headers, ETag: etag, Parts: len(numbers)}, joined)
	if err != nil {
		return err
	}
	s.Buckets.forget(u.ID)
	writeXML(c.w, http.StatusOK, completed{Location: "/" + u.Bucket + "/" + u.Key, Bucket: u.Bucket, Key: u.Key, ETag: info.ETag})
	return nil
}

// chosen checks the list of parts and computes the ETag of the whole: MD5 of the parts' MD5s.
func (b *Buckets) chosen(u *upload, want completion) ([]int, string, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	sum := md5.New()
	var numbers []int
	for i, p := range want.Parts {
		if i > 0 && p.Number <= want.Parts[i-1].Number {
			return nil, "", fail(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
		}
		have, ok := u.parts[p.Number]
		if !ok || strings.Trim(have.ETag, `"`) != strings.Trim(p.ETag, `"`) {
			return nil, "", fail(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found.")
		}
		if have.Size < 5<<20 && i < len(want.Parts)-1 {
			return nil, "", fail(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		raw, err := hex.DecodeString(strings.Trim(have.ETag, `"`))
		if err != nil {
			return nil, "", err
		}
		sum.Write(raw)
		numbers = append(numbers, p.Number)
	}
	return numbers, fmt.Sprintf(`"%s-%d"`, hex.EncodeToString(sum.Sum(nil)), len(numbers)), nil
}

// joiner reads the parts one after another.
type joiner struct {
	buckets *Buckets
	id      string
	numbers []int
	file    *os.File
	current io.Reader
}

// Read reads on, opening the next part where one ends.
func (j *joiner) Read(p []byte) (int, error) {
	for {
		if j.current == nil {
			if len(j.numbers) == 0 {
				return 0, io.EOF
			}
			if err := j.open(); err != nil {
				return 0, err
			}
		}
		n, err := j.current.Read(p)
		if err == io.EOF {
			j.Close()
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (j *joiner) open() error {
	f, err := os.Open(j.buckets.partFile(j.id, j.numbers[0]))
	if err != nil {
		return err
	}
	info, err := trailer(f)
	if err != nil {
		_ = f.Close()
		return err
	}
	j.file, j.current, j.numbers = f, io.NewSectionReader(f, 0, info.Size), j.numbers[1:]
	return nil
}

// Close closes the part that is open.
func (j *joiner) Close() {
	if j.file != nil {
		_ = j.file.Close()
	}
	j.file, j.current = nil, nil
}
