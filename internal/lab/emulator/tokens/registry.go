package tokens

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"betimes/internal/lab/emulator/reply"
)

// TargetPrefix is before the operation of ECR in X-Amz-Target.
const TargetPrefix = "AmazonEC2ContainerRegistry_V20150921."

// serveRegistry answers awsJson1.1 for ECR.
func (s *Service) serveRegistry(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), TargetPrefix)
	reply.Operation{
		Name: name, Resource: "ecr", Journal: s.Journal, Refused: refused,
		Run: func() (any, error) {
			if name != "GetAuthorizationToken" {
				return nil, reply.UnknownOperation(name)
			}
			return s.authorization(r.Body)
		},
	}.Serve(w)
}

type authorization struct {
	Token    string     `json:"authorizationToken"`
	Expires  reply.Time `json:"expiresAt"`
	Endpoint string     `json:"proxyEndpoint"`
}

const (
	tokenLife       = 12 * time.Hour // AWS's
	maxRequestBytes = 64 << 10
)

var registryID = regexp.MustCompile(`^[0-9]{12}$`)

// authorization is GetAuthorizationToken. There is no registry behind it: the
// token opens nothing, it lets programs go on that ask for one before they push.
func (s *Service) authorization(body io.Reader) (any, error) {
	var asked struct{ RegistryIds []string }
	if err := json.NewDecoder(io.LimitReader(body, maxRequestBytes)).Decode(&asked); err != nil && err != io.EOF {
		return nil, refuse("SerializationException", "%s", err.Error())
	}
	if asked.RegistryIds == nil {
		asked.RegistryIds = []string{s.Account}
	}
	if n := len(asked.RegistryIds); n < 1 || n > 10 {
		return nil, refuse("InvalidParameterException", "Invalid parameter at 'registryIds' failed to satisfy constraint: 'Member must have length between 1 and 10'")
	}
	var all []authorization
	for _, id := range asked.RegistryIds {
		if !registryID.MatchString(id) {
			return nil, refuse("InvalidParameterException", "Invalid parameter at 'registryIds' failed to satisfy constraint: 'Member must satisfy regular expression pattern: [0-9]{12}'")
		}
		all = append(all, authorization{
			Token:   base64.StdEncoding.EncodeToString([]byte("AWS:" + reply.ID())),
			Expires: reply.At(s.Clock.Now().Add(tokenLife)), Endpoint: "https://" + id + ".dkr.ecr." + s.Region + ".amazonaws.com",
		})
	}
	return map[string]any{"authorizationData": all}, nil
}
