//go:build !failpoints

package failpoint

// Enabled says whether points do anything in this binary.
const Enabled = false

// Reach is a moment between two steps.
func Reach(string) {}

// Fail is a moment before a step that can fail: a non-nil error is taken for the step's own.
func Fail(string) error { return nil }
