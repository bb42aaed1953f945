package learn

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// loadLightGBM reads LightGBM's text: blocks of name=value lines, the first for
// the model, then one a tree.
func loadLightGBM(text []byte) (Model, error) {
	f := &lightForest{text: text}
	blocks := lightBlocks{lines: bufio.NewScanner(bytes.NewReader(text))}
	blocks.lines.Buffer(nil, len(text)+1)
	head := blocks.next()
	if err := f.readHead(head); err != nil {
		return nil, fmt.Errorf("model file: %w", err)
	}
	for blocks.more {
		if err := f.readTree(blocks.next()); err != nil {
			return nil, fmt.Errorf("model file: tree %d: %w", len(f.roots), err)
		}
	}
	if len(f.roots) == 0 {
		return nil, errors.New("model file: LightGBM text without a tree")
	}
	return f, nil
}

// lightBlocks cuts the text at its lines Tree=…, up to end of trees.
type lightBlocks struct {
	lines *bufio.Scanner
	more  bool // a tree follows
}

func (b *lightBlocks) next() map[string]string {
	block := map[string]string{}
	b.more = false
	for b.lines.Scan() {
		line := strings.TrimSpace(b.lines.Text())
		if line == "end of trees" {
			break
		}
		name, value, _ := strings.Cut(line, "=")
		if name == "Tree" {
			b.more = true
			break
		}
		block[name] = value
	}
	return block
}

func (f *lightForest) readHead(head map[string]string) error {
	last, err := strconv.Atoi(head["max_feature_idx"])
	if err != nil || last < 0 || last >= MaxColumns {
		return fmt.Errorf("max_feature_idx %.20q is not a column below %d", head["max_feature_idx"], MaxColumns)
	}
	f.features = last + 1
	if head["num_tree_per_iteration"] != "1" {
		return fmt.Errorf("num_tree_per_iteration %.20q: only models with one answer are supported", head["num_tree_per_iteration"])
	}
	if _, averaged := head["average_output"]; averaged {
		return errors.New("average_output: random forests are not supported; train with boosting gbdt")
	}
	objective, rest, _ := strings.Cut(head["objective"], " ")
	switch objective {
	case "binary":
		f.logistic = true
		f.slope, err = strconv.ParseFloat(strings.TrimPrefix(rest, "sigmoid:"), 64)
		if err != nil || !(f.slope > 0) || math.IsInf(f.slope, 0) {
			return fmt.Errorf("objective %.40q has no slope such as sigmoid:1", head["objective"])
		}
	case "regression":
		if rest != "" {
			return fmt.Errorf("objective %.40q is not supported; use binary or regression", head["objective"])
		}
	default:
		return fmt.Errorf("objective %.40q is not supported; use binary or regression", head["objective"])
	}
	return nil
}

// readTree appends one tree: its splits, then its leaves.
func (f *lightForest) readTree(block map[string]string) error {
	leaves, err := reals64(block["leaf_value"])
	if err != nil || len(leaves) == 0 {
		return fmt.Errorf("leaf_value: %w", orMissing(err))
	}
	if n := block["num_cat"]; n != "" && n != "0" {
		return errors.New("it splits by category; train without categorical features")
	}
	if n := block["is_linear"]; n != "" && n != "0" {
		return errors.New("its leaves are linear; train without linear_tree")
	}
	base := int32(len(f.steps))
	splits, err := f.readSplits(block, len(leaves), base)
	if err != nil {
		return err
	}
	f.roots = append(f.roots, base)
	f.steps = append(f.steps, splits...)
	for _, value := range leaves {
		f.steps = append(f.steps, lightStep{value: value, feature: leafMark})
	}
	return nil
}

// readSplits reads a tree's splits, one fewer than its leaves. A child comes
// after its parent, as LightGBM writes them, and has no other: so there is no loop.
func (f *lightForest) readSplits(block map[string]string, leaves int, base int32) ([]lightStep, error) {
	n := leaves - 1
	if n == 0 {
		return nil, nil
	}
	thresholds, err := reals64(block["threshold"])
	if err != nil || len(thresholds) != n {
		return nil, fmt.Errorf("threshold: %w", orMissing(err))
	}
	columns := map[string][]int32{}
	for _, name := range []string{"split_feature", "decision_type", "left_child", "right_child"} {
		if columns[name], err = wholes(block[name]); err != nil || len(columns[name]) != n {
			return nil, fmt.Errorf("%s: %w", name, orMissing(err))
		}
	}
	splits, seen := make([]lightStep, n), make([]bool, n+leaves)
	for i := range splits {
		kind := columns["decision_type"][i]
		s := lightStep{value: thresholds[i], feature: columns["split_feature"][i], defaultLeft: kind&2 != 0, missing: uint8(kind>>2) & 3}
		if s.feature < 0 || int(s.feature) >= f.features || kind&1 != 0 {
			return nil, fmt.Errorf("split %d asks feature %d of %d, kind %d", i, s.feature, f.features, kind)
		}
		for side, into := range [...]*int32{&s.left, &s.right} {
			child := columns[[...]string{"left_child", "right_child"}[side]][i]
			at := int(child)
			if child < 0 {
				at = n + int(^child) // a leaf
			}
			if at >= len(seen) || at <= i || seen[at] {
				return nil, fmt.Errorf("split %d has child %d, which is not a node of its own", i, child)
			}
			seen[at] = true
			*into = base + int32(at)
		}
		splits[i] = s
	}
	return splits, nil
}

var errLength = errors.New("it is missing or has another length than the tree")

func orMissing(err error) error {
	if err == nil {
		return errLength
	}
	return err
}

func reals64(text string) ([]float64, error) {
	var list []float64
	for word := range strings.FieldsSeq(text) {
		x, err := strconv.ParseFloat(word, 64)
		if err != nil || x != x {
			return nil, fmt.Errorf("%.40q is not a number", word)
		}
		list = append(list, x)
	}
	return list, nil
}

func wholes(text string) ([]int32, error) {
	var list []int32
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not a whole number", word)
		}
		list = append(list, int32(n))
	}
	return list, nil
}
