package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// network is a forward pass of 784-32-32-10, as large as the smallest model of
// the Crayfish benchmark; its weights are drawn, since only the work counts.
type network struct {
	layers []layer
}

// layer is one matrix with its biases.
type layer struct {
	in      int
	weights []float32 // a row of in for each output
	biases  []float32
}

func newNetwork() *network {
	r := rand.New(rand.NewPCG(784, 32))
	n := &network{}
	sizes := []int{784, 32, 32, 10}
	for i := 1; i < len(sizes); i++ {
		l := layer{in: sizes[i-1], weights: make([]float32, sizes[i-1]*sizes[i]), biases: make([]float32, sizes[i])}
		for j := range l.weights {
			l.weights[j] = float32(r.NormFloat64()) / 10
		}
		n.layers = append(n.layers, l)
	}
	return n
}

// forward is one pass; negative values do not leave a hidden layer.
func (n *network) forward(x []float32) []float32 {
	for i, l := range n.layers {
		y := make([]float32, len(l.biases))
		for o := range y {
			sum := l.biases[o]
			row := l.weights[o*l.in : (o+1)*l.in]
			for j, w := range row {
				sum += w * x[j]
			}
			if y[o] = sum; i < len(n.layers)-1 {
				y[o] = max(0, sum)
			}
		}
		x = y
	}
	return x
}

// answer reads "x" of a record and appends ,"y":[10 numbers].
func (n *network) answer(to, body []byte) ([]byte, error) {
	x, err := inputs(body, n.layers[0].in)
	if err != nil {
		return nil, err
	}
	to = append(to, `,"y":[`...)
	for i, v := range n.forward(x) {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendFloat(to, float64(v), 'f', 6, 32)
	}
	return append(to, ']'), nil
}

// inputs reads the numbers of "x".
func inputs(body []byte, want int) ([]float32, error) {
	_, list, _ := bytes.Cut(body, []byte(`"x":[`))
	list, _, _ = bytes.Cut(list, []byte("]"))
	x := make([]float32, 0, want)
	for text := range bytes.SplitSeq(list, []byte(",")) {
		v, err := strconv.ParseFloat(string(text), 32)
		if err != nil {
			return nil, fmt.Errorf("x: %w", err)
		}
		x = append(x, float32(v))
	}
	if len(x) != want {
		return nil, fmt.Errorf("x has %d numbers; the network takes %d", len(x), want)
	}
	return x, nil
}
