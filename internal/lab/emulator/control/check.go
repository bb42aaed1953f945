package control

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

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

// checks collects what violates the service model, in AWS's words.
type checks []string

func (c *checks) add(value any, path, constraint string, args ...any) {
	*c = append(*c, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, path, fmt.Sprintf(constraint, args...)))
}

func (c *checks) missing(path string) {
	*c = append(*c, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", path))
}

// text checks a required text of at most most characters.
func (c *checks) text(path, value string, most int, pattern *regexp.Regexp) {
	if value == "" {
		c.missing(path)
		return
	}
	c.optionalText(path, value, most, pattern)
}

func (c *checks) optionalText(path, value string, most int, pattern *regexp.Regexp) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > most {
		c.add(value, path, "Member must have length less than or equal to %d", most)
	}
	if pattern != nil && !pattern.MatchString(value) {
		c.add(value, path, "Member must satisfy regular expression pattern: %s", strings.Trim(pattern.String(), "^$"))
	}
}

func (c *checks) enum(path, value string, allowed ...string) {
	if value == "" {
		c.missing(path)
		return
	}
	c.optionalEnum(path, value, allowed...)
}

func (c *checks) optionalEnum(path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.add(value, path, "Member must satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
}

func (c *checks) between(path string, value *int, least, most int) {
	switch {
	case value == nil:
	case *value < least:
		c.add(*value, path, "Member must have value greater than or equal to %d", least)
	case *value > most:
		c.add(*value, path, "Member must have value less than or equal to %d", most)
	}
}

func (c *checks) requiredBetween(path string, value *int, least, most int) {
	if value == nil {
		c.missing(path)
	}
	c.between(path, value, least, most)
}

func (c *checks) count(path string, n, least, most int) {
	switch {
	case n < least && n == 0:
		c.missing(path)
	case n < least:
		c.add("[...]", path, "Member must have length greater than or equal to %d", least)
	case n > most:
		c.add("[...]", path, "Member must have length less than or equal to %d", most)
	}
}

func (c *checks) environment(path string, env map[string]string, mostName, mostValue int) {
	c.count(path, len(env), 0, 100)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		c.optionalText(path, name, mostName, envName)
		c.optionalText(path, env[name], mostValue, nil)
	}
}

func (c *checks) tags(path string, tags []tag) {
	c.count(path, len(tags), 0, 50)
	for i, t := range tags {
		c.text(fmt.Sprintf("%s.%d.member.key", path, i+1), t.Key, 128, tagText)
		c.optionalText(fmt.Sprintf("%s.%d.member.value", path, i+1), t.Value, 256, tagText)
	}
}

// err is AWS's one sentence about all of them.
func (c checks) err() error {
	switch len(c) {
	case 0:
		return nil
	case 1:
		return reply.Validation("1 validation error detected: %s", c[0])
	}
	return reply.Validation("%d validation errors detected: %s", len(c), strings.Join(c, "; "))
}

// notBuilt refuses what this emulator knows of and cannot do yet.
func notBuilt(what string) error {
	return reply.Validation("%s is not built in this emulator yet; leave it out", what)
}
