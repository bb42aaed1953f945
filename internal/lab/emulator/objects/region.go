package objects

import (
	"cmp"
	"encoding/xml"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

func (s *Server) headBucket(c call) error {
	c.w.Header().Set("X-Amz-Bucket-Region", s.Buckets.region(c.bucket))
	return nil
}

func (s *Server) getBucketLocation(c call) error {
	region := s.Buckets.region(c.bucket)
	if region == firstRegion { // the one that is not named
		region = ""
	}
	writeXML(c.w, http.StatusOK, struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
	return nil
}

// createBucket is CreateBucket. Whoever makes their own bucket again is told of
// it, but in us-east-1.
func (s *Server) createBucket(c call) error {
	if !bucketName.MatchString(c.bucket) {
		return fail(http.StatusBadRequest, "InvalidBucketName", "The specified bucket is not valid.")
	}
	region, err := s.wanted(c)
	if err != nil {
		return err
	}
	if err := s.Buckets.Create(c.bucket, region, s.Account); err != nil && !(errors.Is(err, errOwned) && s.Region == firstRegion) {
		return err
	}
	c.w.Header().Set("Location", "/"+c.bucket)
	return nil
}

// maxConstraint is more than any CreateBucketConfiguration.
const maxConstraint = 64 << 10

// european is an old name of eu-west-1.
const european = "EU"

var regionName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

// wanted is the region that a bucket is made in: the one that is asked, which
// only us-east-1 lets be another.
func (s *Server) wanted(c call) (string, error) {
	raw, err := readLimited(c.r.Body, maxConstraint)
	if err != nil {
		return "", err
	}
	var asked struct {
		Region string `xml:"LocationConstraint"`
	}
	if len(strings.TrimSpace(string(raw))) > 0 {
		if err := xml.Unmarshal(raw, &asked); err != nil {
			return "", fail(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
		}
	}
	named := asked.Region
	if named == european {
		named = "eu-west-1"
	}
	switch {
	case named == "" && s.Region == firstRegion:
		return firstRegion, nil
	case named == firstRegion || named != "" && !regionName.MatchString(named):
		return "", fail(http.StatusBadRequest, "InvalidLocationConstraint", "The specified location-constraint is not valid")
	case named != s.Region && s.Region != firstRegion:
		return "", fail(http.StatusBadRequest, "IllegalLocationConstraintException",
			"The "+cmp.Or(asked.Region, "unspecified")+" location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	return named, nil
}
