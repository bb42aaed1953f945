package control

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"betimes/internal/lab/emulator/reply"
)

// The patterns of names and references.
var (
	entityName = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$`)
	modelName  = regexp.MustCompile(`^[a-zA-Z0-9]([\-a-zA-Z0-9]*[a-zA-Z0-9])?$`)
	s3URI      = regexp.MustCompile(`^(https|s3)://([^/]+)/?(.*)$`)
	roleARN    = regexp.MustCompile(`^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)
	imageName  = regexp.MustCompile(`^[\S]+$`)
	channel    = regexp.MustCompile(`^[A-Za-z0-9\.\-_]+$`)
	envName    = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)
	instance   = regexp.MustCompile(`^(ml\.[a-z0-9-]+\.[a-z0-9]+|local|local_gpu)$`)

	nameContains  = regexp.MustCompile(`^[a-zA-Z0-9\-]+$`)
	tagText       = regexp.MustCompile(`^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$`)
	alarmName     = regexp.MustCompile(`\S`)
	clientToken   = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)
	arnOrName     = regexp.MustCompile(`^(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})$`)
	versionedName = regexp.MustCompile(`^(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(/[0-9]{1,9})?$`)
)

func checkEnvironment(c *reply.Checks, path string, env map[string]string, mostName, mostValue int) {
	c.Length(path, len(env), 0, 100)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		c.OptionalText(path, name, mostName, envName)
		c.OptionalText(path, env[name], mostValue, nil)
	}
}

func checkTags(c *reply.Checks, path string, tags []tag) {
	c.Length(path, len(tags), 0, 50)
	for i, t := range tags {
		c.Text(fmt.Sprintf("%s.%d.member.key", path, i+1), t.Key, 128, tagText)
		c.OptionalText(fmt.Sprintf("%s.%d.member.value", path, i+1), t.Value, 256, tagText)
	}
}

// notBuilt refuses what this emulator knows of and cannot do yet.
func notBuilt(what string) error {
	return reply.Validation("%s is not built in this emulator yet; leave it out", what)
}
