package setting

import (
	"fmt"
	"strconv"
	"strings"
)

// Auto is a whole number above zero, or auto (0): the room finds it itself.
type Auto int

// UnmarshalText reads auto or a number from 1.
func (a *Auto) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	if s == "auto" {
		*a = 0
		return nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return fmt.Errorf("%q is neither auto nor a whole number from 1", s)
	}
	*a = Auto(n)
	return nil
}

// MarshalText gives auto or the number.
func (a Auto) MarshalText() ([]byte, error) {
	if a == 0 {
		return []byte("auto"), nil
	}
	return strconv.AppendInt(nil, int64(a), 10), nil
}

// AutoBytes is a size, or auto (0): the room finds it itself.
type AutoBytes Bytes

// UnmarshalText reads auto or a size.
func (a *AutoBytes) UnmarshalText(text []byte) error {
	if strings.TrimSpace(string(text)) == "auto" {
		*a = 0
		return nil
	}
	return (*Bytes)(a).UnmarshalText(text)
}

// MarshalText gives auto or the size.
func (a AutoBytes) MarshalText() ([]byte, error) {
	if a == 0 {
		return []byte("auto"), nil
	}
	return Bytes(a).MarshalText()
}
