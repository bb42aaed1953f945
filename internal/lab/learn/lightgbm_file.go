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
	if sizes, told := head["tree_sizes"]; told && len(strings.Fields(sizes)) != len(f.roots) {
		return nil, fmt.Errorf("model file: %d of %d trees are there; it is cut off, save it again", len(f.roots), len(strings.Fields(sizes)))
	}
	if len(f.roots)%f.classes != 0 {
		return nil, fmt.Errorf("model file: %d trees are no whole iterations of %d", len(f.roots), f.classes)
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
	if f.classes, err = strconv.Atoi(head["num_tree_per_iteration"]); err != nil || f.classes < 1 || f.classes > maxClasses {
		return fmt.Errorf("num_tree_per_iteration %.20q is not a whole number from 1 to %d", head["num_tree_per_iteration"], maxClasses)
	}
	_, f.average = head["average_output"]
	return f.readObjective(head["objective"])
}

// readTree appends one tree: its splits, then its leaves.
func (f *lightForest) readTree(block map[string]string) error {
	leaves, err := reals64(block["leaf_value"])
	if err != nil || len(leaves) == 0 {
		return fmt.Errorf("leaf_value: %w", orMissing(err))
	}
	firstSet := len(f.sets)
	if n := block["num_cat"]; n != "" && n != "0" {
		sets, err := readSets(block["cat_boundaries"], block["cat_threshold"])
		if err != nil {
			return err
		}
		f.sets = append(f.sets, sets...)
	}
	if n := block["is_linear"]; n != "" && n != "0" {
		return errors.New("its leaves are linear; train without linear_tree")
	}
	base := int32(len(f.steps))
	splits, err := f.readSplits(block, len(leaves), base, firstSet)
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
func (f *lightForest) readSplits(block map[string]string, leaves int, base int32, firstSet int) ([]lightStep, error) {
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
		if s.feature < 0 || int(s.feature) >= f.features {
			return nil, fmt.Errorf("split %d asks feature %d of %d", i, s.feature, f.features)
		}
		if s.byCategory = kind&1 != 0; s.byCategory {
			if !(s.value >= 0 && s.value < float64(len(f.sets)-firstSet)) {
				return nil, fmt.Errorf("split %d is by set %g of %d", i, s.value, len(f.sets)-firstSet)
			}
			s.value = math.Floor(s.value) + float64(firstSet)
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

// readSets reads the sets of categories of a tree: words of 32 bits, cut at the boundaries.
func readSets(boundaries, thresholds string) ([]bits, error) {
	cuts, err := wholes(boundaries)
	if err != nil || len(cuts) < 2 {
		return nil, fmt.Errorf("cat_boundaries: %w", orMissing(err))
	}
	var words bits
	for text := range strings.FieldsSeq(thresholds) {
		word, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("cat_threshold: %.40q is no word of 32 bits", text)
		}
		words = append(words, uint32(word))
	}
	var sets []bits
	for i, from := range cuts[:len(cuts)-1] {
		to := cuts[i+1]
		if from < 0 || to < from || int(to) > len(words) {
			return nil, fmt.Errorf("cat_boundaries: %d to %d of %d words", from, to, len(words))
		}
		sets = append(sets, words[from:to])
	}
	return sets, nil
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
