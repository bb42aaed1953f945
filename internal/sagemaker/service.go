package sagemaker

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"betimes/internal/model/exchange"
	"betimes/internal/sagemaker/wire"
)

// service is one AWS API: where it is and how calls to it are signed.
type service struct {
	name     string // in errors
	base     *url.URL
	region   string
	signer   *wire.Signer
	keys     *keyring // nil: an emulator that needs none
	clock    *clock
	exchange *exchange.Client
}

// api says where an AWS service is: the name in its variable, its host and what
// it is signed as.
type api struct{ variable, host, signedAs string }

func runtimeAPI() api { return api{"SAGEMAKER_RUNTIME", "runtime.sagemaker", "sagemaker"} }
func controlAPI() api { return api{"SAGEMAKER", "api.sagemaker", "sagemaker"} }
func objectsAPI() api { return api{"S3", "s3", "s3"} }
func queuesAPI() api  { return api{"SQS", "sqs", "sqs"} }
func logsAPI() api    { return api{"CLOUDWATCH_LOGS", "logs", "logs"} }

// service finds an API for an endpoint's configuration.
func (a *Account) service(what api, c Config, connections int, timeout time.Duration) (*service, error) {
	region := a.region(c)
	base, err := a.base(what, c, region)
	if err != nil {
		return nil, err
	}
	if in := regionOf(base); in != "" && in != region {
		return nil, fmt.Errorf("%s is in %s, and requests would be signed for %s; set region to %s, or the URL to one in %s", base.Host, in, region, in, region)
	}
	name := c.Endpoint
	return &service{
		name: name, base: base, region: region,
		signer: wire.NewSigner(region, what.signedAs), keys: a.keys(c, base), clock: &a.clock,
		exchange: exchange.New(exchange.Config{
			Endpoint: name, Connections: connections, Timeout: timeout, TLS: a.authorities,
			Dialed: a.metrics.connections.WithLabelValues(name).Inc, Room: a.deps.Room,
		}),
	}, nil
}

// region is what the file or the environment says; without either that of the URL.
func (a *Account) region(c Config) string {
	var ofURL string
	if u, err := url.Parse(firstOf(c.URL, a.config.EndpointURL)); err == nil {
		ofURL = regionOf(u)
	}
	return firstOf(c.Region, a.config.Region, a.credentials.region, ofURL, "us-east-1")
}

// base: the file wins over the environment, the nearer key over the farther.
// models.X.url is of the runtime alone on AWS (a VPC endpoint), of everything on
// an emulator.
func (a *Account) base(what api, c Config, region string) (*url.URL, error) {
	own, _ := a.deps.Env("AWS_ENDPOINT_URL_" + what.variable)
	all, _ := a.deps.Env("AWS_ENDPOINT_URL")
	file := a.config.EndpointURL
	if file == all {
		file = "" // it came from the environment, where the service's own variable wins
	}
	text := firstOf(embedded(c, a.deps), file, own, all, a.credentials.endpointURL)
	if u, err := url.Parse(c.URL); c.URL != "" && err == nil && (what == runtimeAPI() || !isAWS(u)) {
		text = c.URL
	}
	if text == "" {
		text = "https://" + what.host + "." + region + "." + domain(region)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not a URL; write for example http://127.0.0.1:8070 into aws.endpoint_url", text)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

func embedded(c Config, d Deps) string {
	if c.Embedded != nil && *c.Embedded {
		return d.Emulator
	}
	return ""
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func domain(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "amazonaws.com.cn"
	case strings.HasPrefix(region, "eusc-"):
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

func isAWS(u *url.URL) bool {
	return slices.ContainsFunc([]string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"}, func(suffix string) bool {
		return strings.HasSuffix(u.Hostname(), suffix)
	})
}

// regionOf is the region in the name of an AWS host, a VPC endpoint's too; empty: none.
func regionOf(u *url.URL) string {
	if !isAWS(u) {
		return ""
	}
	for label := range strings.SplitSeq(u.Hostname(), ".") {
		if isRegion(label) {
			return label
		}
	}
	return ""
}

// keys: the emulator in this process gets no real key, an emulator elsewhere
// (plain http) only one that is clearly meant.
func (a *Account) keys(c Config, base *url.URL) *keyring {
	if embedded(c, a.deps) != "" || base.Scheme == "http" && !a.credentials.hinted {
		return nil
	}
	return a.credentials
}

// sign signs a request, and tells as whom; its header must not be shared.
func (s *service) sign(ctx context.Context, r wire.Request) (wire.Credentials, error) {
	credentials := dummy()
	if s.keys != nil {
		var err error
		if credentials, err = s.keys.get(ctx); err != nil {
			return credentials, err
		}
	}
	s.signer.Sign(r, credentials, s.clock.now())
	return credentials, nil
}

// at gives the service's URL with a path.
func (s *service) at(path string) *url.URL {
	u := *s.base
	u.Path += path
	return &u
}
