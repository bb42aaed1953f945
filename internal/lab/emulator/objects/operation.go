package objects

import (
	"maps"
	"net/http"
	"slices"
)

// operations are what is built, by AWS's names.
var operations = map[string]func(*Server, call) error{
	"ListBuckets": (*Server).listBuckets, "CreateBucket": (*Server).createBucket, "HeadBucket": (*Server).headBucket,
	"DeleteBucket": (*Server).deleteBucket, "GetBucketLocation": (*Server).getBucketLocation,
	"ListObjects": (*Server).list, "ListObjectsV2": (*Server).list, "DeleteObjects": (*Server).deleteObjects,
	"PutObject": (*Server).put, "CopyObject": (*Server).copy, "GetObject": (*Server).get, "HeadObject": (*Server).get, "DeleteObject": (*Server).deleteObject,
	"CreateMultipartUpload": (*Server).beginUpload, "ListMultipartUploads": (*Server).listUploads,
	"UploadPart": ofAnUpload((*Server).putPart), "UploadPartCopy": ofAnUpload((*Server).copyPart), "ListParts": ofAnUpload((*Server).listParts),
	"CompleteMultipartUpload": ofAnUpload((*Server).completeUpload), "AbortMultipartUpload": ofAnUpload((*Server).abortUpload),
}

// Operations are what is built.
func Operations() []string { return slices.Sorted(maps.Keys(operations)) }

// operation is the name of what is asked; "" for what S3 has no operation for.
func (c call) operation() string {
	switch {
	case c.bucket == "":
		return map[string]string{http.MethodGet: "ListBuckets"}[c.r.Method]
	case c.key == "":
		return c.ofBucket()
	case c.has("uploads"):
		return map[string]string{http.MethodPost: "CreateMultipartUpload"}[c.r.Method]
	case c.has("uploadId"):
		return c.ofUpload()
	}
	switch c.r.Method {
	case http.MethodPut:
		return c.orCopy("PutObject", "CopyObject")
	case http.MethodGet:
		return "GetObject"
	case http.MethodHead:
		return "HeadObject"
	case http.MethodDelete:
		return "DeleteObject"
	}
	return ""
}

func (c call) ofBucket() string {
	switch {
	case c.r.Method == http.MethodPut && !c.has("location"):
		return "CreateBucket"
	case c.r.Method == http.MethodHead:
		return "HeadBucket"
	case c.r.Method == http.MethodDelete:
		return "DeleteBucket"
	case c.r.Method == http.MethodPost && c.has("delete"):
		return "DeleteObjects"
	case c.r.Method != http.MethodGet:
		return ""
	case c.has("location"):
		return "GetBucketLocation"
	case c.has("uploads"):
		return "ListMultipartUploads"
	case c.r.URL.Query().Get("list-type") == "2":
		return "ListObjectsV2"
	}
	return "ListObjects"
}

func (c call) ofUpload() string {
	switch c.r.Method {
	case http.MethodPut:
		return c.orCopy("UploadPart", "UploadPartCopy")
	case http.MethodPost:
		return "CompleteMultipartUpload"
	case http.MethodDelete:
		return "AbortMultipartUpload"
	case http.MethodGet:
		return "ListParts"
	}
	return ""
}

func (c call) orCopy(plain, copied string) string {
	if c.r.Header.Get("X-Amz-Copy-Source") != "" {
		return copied
	}
	return plain
}
