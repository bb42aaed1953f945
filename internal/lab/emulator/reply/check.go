package reply

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Checks collects what violates a service model, in AWS's words.
type Checks []string

// Add notes one violation.
func (c *Checks) Add(value any, path, constraint string, args ...any) {
	*c = append(*c, fmt.Sprintf("Value '%v' at '%s' failed to satisfy constraint: %s", value, path, fmt.Sprintf(constraint, args...)))
}

// Missing notes that a required member is not there.
func (c *Checks) Missing(path string) {
	*c = append(*c, fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", path))
}

// Text checks a required text of at most most characters; pattern may be nil.
func (c *Checks) Text(path, value string, most int, pattern *regexp.Regexp) {
	if value == "" {
		c.Missing(path)
		return
	}
	c.OptionalText(path, value, most, pattern)
}

// OptionalText checks a text that may be missing.
func (c *Checks) OptionalText(path, value string, most int, pattern *regexp.Regexp) {
	if value == "" {
		return
	}
	if utf8.RuneCountInString(value) > most {
		c.Add(value, path, "Member must have length less than or equal to %d", most)
	}
	if pattern != nil && !pattern.MatchString(value) {
		c.Add(value, path, "Member must satisfy regular expression pattern: %s", strings.Trim(pattern.String(), "^$"))
	}
}

// Length checks how long a list is; one that must not be empty and is may not be there at all.
func (c *Checks) Length(path string, n, least, most int) {
	switch {
	case n < least && n == 0:
		c.Missing(path)
	case n < least:
		c.Add("[...]", path, "Member must have length greater than or equal to %d", least)
	case n > most:
		c.Add("[...]", path, "Member must have length less than or equal to %d", most)
	}
}

// Enum checks a required text against the values it can have.
func (c *Checks) Enum(path, value string, allowed ...string) {
	if value == "" {
		c.Missing(path)
		return
	}
	c.OptionalEnum(path, value, allowed...)
}

// OptionalEnum checks a text that may be missing against the values it can have.
func (c *Checks) OptionalEnum(path, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.Add(value, path, "Member must satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
}

// Between checks a number that may be missing.
func (c *Checks) Between(path string, value *int, least, most int) {
	c.Least(path, value, least)
	c.Most(path, value, most)
}

// RequiredBetween checks a required number.
func (c *Checks) RequiredBetween(path string, value *int, least, most int) {
	if value == nil {
		c.Missing(path)
	}
	c.Between(path, value, least, most)
}

// Least checks a number that may be missing.
func (c *Checks) Least(path string, value *int, least int) {
	if value != nil && *value < least {
		c.Add(*value, path, "Member must have value greater than or equal to %d", least)
	}
}

// Most checks a number that may be missing.
func (c *Checks) Most(path string, value *int, most int) {
	if value != nil && *value > most {
		c.Add(*value, path, "Member must have value less than or equal to %d", most)
	}
}

// Err is AWS's one sentence about all of them; nil when there are none.
func (c Checks) Err() error {
	if len(c) == 0 {
		return nil
	}
	return c.Refusal()
}

// Refusal is that sentence, for services that have another name for the error.
func (c Checks) Refusal() *Error {
	if len(c) == 1 {
		return Validation("1 validation error detected: %s", c[0])
	}
	return Validation("%d validation errors detected: %s", len(c), strings.Join(c, "; "))
}
