package main

import (
	"encoding/json"
	"net/http"
	"slices"
)

// adder is a model that adds x and y, as three servers: one of the Open Inference
// Protocol, one that takes MLflow's dataframe_split, and a schema registry whose
// schema 7 is a record of both.
func adder() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v2/models/sum", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, tensors{Name: "sum", Inputs: []tensor{{Name: "in", Datatype: "FP64", Shape: []int{-1, 2}}}, Outputs: []tensor{{Name: "out", Datatype: "FP64", Shape: []int{-1, 1}}}})
	})
	mux.HandleFunc("GET /v2/models/sum/ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v2/models/sum/infer", func(w http.ResponseWriter, r *http.Request) {
		var asked tensors
		if json.NewDecoder(r.Body).Decode(&asked) != nil || len(asked.Inputs) != 1 || len(asked.Inputs[0].Data)%2 != 0 {
			http.Error(w, "not two numbers", http.StatusBadRequest)
			return
		}
		sums := sumsOf(slices.Collect(slices.Chunk(asked.Inputs[0].Data, 2)))
		tell(w, tensors{ID: asked.ID, Outputs: []tensor{{Name: "out", Datatype: "FP64", Shape: []int{len(sums), 1}, Data: sums}}})
	})
	mux.HandleFunc("POST /invocations", func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Split struct {
				Columns []string    `json:"columns"`
				Data    [][]float64 `json:"data"`
			} `json:"dataframe_split"`
		}
		if json.NewDecoder(r.Body).Decode(&asked) != nil || !slices.Equal(asked.Split.Columns, []string{"x", "y"}) {
			http.Error(w, "not dataframe_split of x and y", http.StatusBadRequest)
			return
		}
		tell(w, map[string]any{"predictions": sumsOf(asked.Split.Data)})
	})
	mux.HandleFunc("GET /schemas/ids/7", func(w http.ResponseWriter, _ *http.Request) {
		tell(w, map[string]string{"schema": `{"type":"record","name":"P","fields":[{"name":"x","type":"double"},{"name":"y","type":"double"}]}`})
	})
	return mux
}

// tensors is a request, an answer or a description of the Open Inference Protocol.
type tensors struct {
	ID      string   `json:"id,omitempty"`
	Name    string   `json:"name,omitempty"`
	Inputs  []tensor `json:"inputs,omitempty"`
	Outputs []tensor `json:"outputs,omitempty"`
}

type tensor struct {
	Name     string    `json:"name"`
	Datatype string    `json:"datatype"`
	Shape    []int     `json:"shape"`
	Data     []float64 `json:"data,omitempty"`
}

func tell(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client sees what is cut short
}

func sumsOf(rows [][]float64) []float64 {
	sums := make([]float64, len(rows))
	for i, row := range rows {
		for _, v := range row {
			sums[i] += v
		}
	}
	return sums
}
