package queues

import (
	"bytes"
	"strconv"

	"betimes/internal/lab/emulator/reply"
)

// number is a whole number: JSON has it bare, a form as text.
type number int

// UnmarshalJSON reads 5 and "5".
func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.Atoi(string(bytes.Trim(text, `"`)))
	*n = number(v)
	return err
}

// between checks a number that may be missing.
func (n *number) between(name string, least, most int) error {
	if n != nil && (int(*n) < least || int(*n) > most) {
		return outOf(strconv.Itoa(int(*n)), name, least, most)
	}
	return nil
}

func (n *number) or(otherwise int) int {
	if n == nil {
		return otherwise
	}
	return int(*n)
}

func outOf(value, name string, least, most int) *reply.Error {
	return refuse("InvalidParameterValue", "Value %s for parameter %s is invalid. Reason: Must be between %d and %d, if provided.", value, name, least, most)
}
