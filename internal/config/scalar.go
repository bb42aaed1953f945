package config

import (
	"encoding"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"betimes/internal/setting"
)

// scalar reads one value that is written on one line.
func (d *decoder) scalar(path string, n *node, v reflect.Value) {
	text, ok := d.text(path, n, v.Type())
	if !ok {
		return
	}
	if err := d.set(path, n, text, v); err != nil {
		d.add(n.from, path, "%s", err)
	}
}

// text is the value's text; an expression given to --set may look like a list.
func (d *decoder) text(path string, n *node, t reflect.Type) (string, bool) {
	isText := t.Kind() == reflect.String
	switch {
	case n.kind == scalar:
		return n.text, true
	case isText && n.given != "":
		return n.given, true
	case isText:
		d.add(n.from, path, "%s is here, but text is wanted; put an expression in quotes", n.kind)
	default:
		d.add(n.from, path, "%s is here, but %s is wanted", n.kind, wanted(t))
	}
	return "", false
}

func (d *decoder) set(path string, n *node, text string, v reflect.Value) error {
	switch t := v.Type(); {
	case t == durationType:
		read, err := parseDuration(text)
		if err == nil {
			v.SetInt(int64(read))
		}
		return err
	case t == secretType:
		return d.secret(n, text, v)
	case readsText(t):
		return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	case t.Kind() == reflect.String:
		return d.string(path, n, text, v)
	}
	if n.quoted {
		return fmt.Errorf("%s in quotes is text, but %s is wanted; write it without quotes", strconv.Quote(text), wanted(v.Type()))
	}
	return plain(text, v)
}

// string keeps text; a path is taken from the folder of the file that names it.
func (d *decoder) string(path string, n *node, text string, v reflect.Value) error {
	inMap := strings.Contains(path, ".hyperparameters.") || strings.Contains(path, ".headers.")
	if !n.quoted && !inMap && (text == "true" || text == "false") {
		return fmt.Errorf("%s is not text; write it in quotes if it is meant", text)
	}
	switch {
	case namesFile(path):
		text = beside(n.from.File, text)
	case namesProgram(path):
		text = program(n.from.File, text)
	}
	v.SetString(text)
	return nil
}

// secret keeps the text form; a file must be there.
func (d *decoder) secret(n *node, text string, v reflect.Value) error {
	if file, ok := strings.CutPrefix(text, "file:"); ok {
		text = "file:" + beside(n.from.File, file)
	}
	s := setting.NewSecret(text)
	v.Set(reflect.ValueOf(s))
	if _, err := s.Value(); err != nil {
		return fmt.Errorf("%w; write the secret there, or name another file", err)
	}
	return nil
}

// plain reads numbers and switches.
func plain(text string, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || len(text) < 4 {
			return fmt.Errorf("%s is neither true nor false", shorten(text))
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64, reflect.Int32:
		i, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, v.Type().Bits())
		if err != nil {
			return fmt.Errorf("%s is not a whole number; write for example 12", shorten(text))
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s is not a number; write for example 100 or 0.5", shorten(text))
		}
		v.SetFloat(f)
	default:
		return fmt.Errorf("%s cannot be read as %s", shorten(text), v.Type())
	}
	return nil
}

// wanted names a type in an error text.
func wanted(t reflect.Type) string {
	switch {
	case t == durationType:
		return "a duration"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64 && !readsText(t):
		return "a number"
	case t.Kind() == reflect.Int && !readsText(t):
		return "a whole number"
	}
	return "a single value"
}

// beside takes a path from the folder of file, unless it is absolute or a URL.
func beside(file, path string) string {
	if path == "" || file == "" || filepath.IsAbs(path) || scheme(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// program takes a part of a command from the folder of file when it is there:
// a script beside the file runs from wherever betimes was started.
func program(file, text string) string {
	path, isExec := strings.CutPrefix(text, "exec:")
	whole, err := filepath.Abs(beside(file, path))
	if err != nil || file == "" {
		return text
	}
	if found, err := os.Stat(whole); err != nil || !found.Mode().IsRegular() {
		return text
	}
	if isExec {
		whole = "exec:" + whole
	}
	return whole
}

// scheme says whether text begins like builtin:, s3: or http:.
func scheme(text string) bool {
	name, _, found := strings.Cut(text, ":")
	return found && name != "" && !strings.ContainsAny(name, "/.\\")
}

func shorten(text string) string {
	if r := []rune(text); len(r) > 60 {
		text = string(r[:60]) + "…"
	}
	return strconv.Quote(text)
}
