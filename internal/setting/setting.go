package setting

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// Bytes is a size, written 512KiB, 64MiB, 1GiB or a plain number of bytes.
type Bytes int64

// The units of Bytes.
const (
	KiB Bytes = 1 << (10 * (iota + 1))
	MiB
	GiB
)

var byteUnits = []struct {
	suffix string
	size   Bytes
}{{"GiB", GiB}, {"MiB", MiB}, {"KiB", KiB}, {"B", 1}, {"", 1}}

// UnmarshalText reads 64MiB, 512KiB, 10B or 1048576.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 0 || (n > 0 && Bytes(n) > (1<<62)/u.size) {
			break
		}
		*b = Bytes(n) * u.size
		return nil
	}
	return fmt.Errorf("%q is not a size; write for example 512KiB, 64MiB or 1GiB", s)
}

// MarshalText gives the shortest exact form.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String gives the shortest exact form.
func (b Bytes) String() string {
	for _, u := range byteUnits[:3] {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Ratio is a share of one, written 99%, 3% or 0.99.
type Ratio float64

// UnmarshalText reads 99%, 99.9% or 0.99.
func (r *Ratio) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	digits, percent := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || f != f || f < 0 {
		return fmt.Errorf("%q is not a ratio; write for example 99%% or 0.99", s)
	}
	if percent {
		f /= 100
	}
	*r = Ratio(f)
	return nil
}

// MarshalText gives the percentage.
func (r Ratio) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// String gives the percentage.
func (r Ratio) String() string {
	return strconv.FormatFloat(float64(r)*100, 'g', 10, 64) + "%"
}

// Secret is a value that must not be seen: written in the file itself or, better,
// as file:PATH. A file is read again on every Value, so that a rotated secret
// is used without a restart. It prints and marshals as [secret].
type Secret struct {
	text string
}

// NewSecret makes a Secret of its text form: the value itself or file:PATH.
func NewSecret(text string) Secret { return Secret{text} }

// Value returns the secret: the contents of the file, without the line end at
// its end, or the text itself.
func (s Secret) Value() (string, error) {
	path, isFile := strings.CutPrefix(s.text, "file:")
	if !isFile {
		return s.text, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("secret: %w", err)
	}
	return strings.TrimRight(string(data), "\r\n"), nil
}

// IsZero says that nothing was set.
func (s Secret) IsZero() bool { return s.text == "" }

// InFile says whether the secret is read from a file, and its path.
func (s Secret) InFile() (string, bool) { return strings.CutPrefix(s.text, "file:") }

// UnmarshalText keeps the text form.
func (s *Secret) UnmarshalText(text []byte) error {
	s.text = string(text)
	return nil
}

const hidden = "[secret]"

// String hides the value.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return hidden
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
