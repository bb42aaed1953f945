package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"betimes/internal/event"
	"betimes/internal/model"
	"betimes/internal/sagemaker"
)

// Plan is what a model needs before it can be asked.
type Plan struct {
	Pipeline string // name of the configuration: first part of every name and key
	Model    string // key under models
	Endpoint sagemaker.Config
	Train    *TrainConfig // nil: not trained
	Serve    *ServeConfig // nil: not our own
	Fields   []string     // flow.feature.fields; empty: the columns of the file
	// ContentType and Accept are of the requests that judge a model.
	ContentType, Accept string
}

// Deps are what Ensure works with.
type Deps struct {
	Control *sagemaker.Control
	Objects *sagemaker.Objects
	Logs    *sagemaker.Logs // of training jobs; nil: they are not looked at
	Role    string
	Bucket  string
	Log     *slog.Logger
	// Builtin gives the training file of builtin:NAME, csv with a header.
	Builtin func(name string) ([]byte, error)
	// Allow is asked before anything is made on AWS, with what would be made; nil: allowed.
	Allow func(what string) error
	// Ask gives an endpoint to ask, and what closes the way to it. For Train.
	Ask func(endpoint string) (model.Invoker, func(), error)
	// Topics are the brokers, and Row what a record means: its features as csv and
	// its label. For training from topics.
	Topics Topics
	Row    func(e *event.Event) (features, label string, err error)
	// Progress is told what is being done, from the goroutine of Ensure; may be nil.
	Progress func(Progress)
}

// Step is a part of bringing a model into service.
type Step string

// The steps, in order. Those that are not needed are not reported.
const (
	StepRead   Step = "read"   // training data read
	StepUpload Step = "upload" // data or model in S3
	StepTrain  Step = "train"  // job under way, Detail is its state
	StepJudge  Step = "judge"  // rows that were held out are asked of an endpoint for a while
	StepKeep   Step = "keep"   // version in the registry
	StepDeploy Step = "deploy" // endpoint being made, Detail is its state
	StepReady  Step = "ready"  // endpoint in service
	StepLeft   Step = "left"   // what an earlier, unfinished run had left
)

// Progress is one report.
type Progress struct {
	Model  string
	Step   Step
	Detail string
	Since  time.Duration // since Ensure began
	Passes bool          // Detail is a figure of the moment, which the next replaces
}

// recipe is a plan with everything settled that the names depend on.
type recipe struct {
	base   string // of job, model and keys; holds a digest of what the model is made of
	config string // of the endpoint config; holds a digest of base and the instances
	image  string
	env    map[string]string
	model  []byte // model.tar.gz of an own model, may be nil

	// Of a trained model only.
	train, validation []byte // csv, the label first; validation may be empty
	hyper             map[string]string
}

const (
	maxName     = 63
	digestChars = 10
	attemptRoom = 6 // -judge, -99
)

// name makes stem-digest; the stem is cut to what SageMaker takes.
func name(stem, digest string) string {
	room := maxName - 1 - digestChars - attemptRoom
	if len(stem) > room {
		stem = strings.TrimRight(stem[:room], "-")
	}
	return stem + "-" + digest
}

// stem makes letters, digits and single dashes of pipeline and model.
func stem(p Plan) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, p.Pipeline+"-"+p.Model)
	clean = strings.Join(strings.FieldsFunc(clean, func(r rune) bool { return r == '-' }), "-")
	if clean == "" {
		return "betimes"
	}
	return clean
}

// digest tells apart what differs in any part.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s,", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:digestChars]
}

func sorted(m map[string]string) []string {
	var all []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all = append(all, k, m[k])
	}
	return all
}

// named settles the names of a recipe; parts are what the model is made of.
func (r *recipe) named(p Plan, parts ...string) *recipe {
	r.base = name(stem(p), digest(append(parts, r.image)...))
	e := p.Endpoint
	r.config = name(stem(p), digest(r.base, e.InstanceType, fmt.Sprint(e.Instances)))
	return r
}

// ours says whether an endpoint config was made by a plan of this name.
func ours(config string, p Plan) bool {
	prefix := strings.TrimSuffix(name(stem(p), ""), "-")
	rest, ok := strings.CutPrefix(config, prefix+"-")
	return ok && len(rest) == digestChars
}
