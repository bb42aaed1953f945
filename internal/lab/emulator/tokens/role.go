package tokens

import (
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"regexp"

	"betimes/internal/lab/emulator/reply"
)

type gotRole struct {
	Role struct {
		Path                     string
		RoleName                 string
		RoleId                   string
		Arn                      string
		CreateDate               string
		AssumeRolePolicyDocument string
		MaxSessionDuration       int
	}
}

var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// trust lets SageMaker take the role, as SDKs expect of one.
const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// role is GetRole: every role is there. Its id is made from its name, so that it stays.
func (s *Service) role(name string) (any, error) {
	if !roleName.MatchString(name) {
		var c reply.Checks
		if c.Text("roleName", name, 64, nil); len(c) == 0 {
			c.Add(name, "roleName", `Member must satisfy regular expression pattern: [\w+=,.@-]+`)
		}
		e := c.Refusal()
		e.Type = "ValidationError"
		return nil, e
	}
	sum := sha256.Sum256([]byte(name))
	var got gotRole
	r := &got.Role
	r.Path, r.RoleName, r.MaxSessionDuration = "/", name, 3600
	r.RoleId = "AROA" + base32.StdEncoding.EncodeToString(sum[:10])
	r.Arn = "arn:aws:iam::" + s.Account + ":role/" + name
	r.CreateDate = "2017-11-29T00:00:00Z" // the day SageMaker began: roles are older than all that uses them
	r.AssumeRolePolicyDocument = url.QueryEscape(trust)
	return got, nil
}
