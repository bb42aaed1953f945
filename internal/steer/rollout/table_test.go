package rollout

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestTrainingDataIsPutInTheOrderOfTheFields(t *testing.T) {
	for _, tt := range []struct {
		name, data, label string
		fields            []string
		want              string
		columns, unused   []string
	}{
		{"label in the middle", "a,y,b\n1,0,2\n3,1,4\n", "y", []string{"b", "a"}, "0,2,1\n1,4,3\n", []string{"b", "a"}, nil},
		{"the first column is the label", "y,a\n0,1\n", "", nil, "0,1\n", []string{"a"}, nil},
		{"columns that are not asked with", "y,a,b\n0,1,x\n", "y", []string{"a"}, "0,1\n", []string{"a"}, []string{"b"}},
		{"no header", "0,1,2\n1,,4\n", "", []string{"a", "b"}, "0,1,2\n1,,4\n", nil, nil},
		{"booleans, blanks, quotes and CRLF", "y,a\r\ntrue, 1.5\r\nFalse,\"2\"\r\n", "y", nil, "1,1.5\n0,2\n", []string{"a"}, nil},
		{"a byte order mark", "\ufeffy,a\n1,2\n", "y", nil, "1,2\n", []string{"a"}, nil},
		{"NDJSON", "{\"a\":1,\"y\":true}\n\n{\"y\":0,\"b\":2.5,\"a\":null,\"id\":\"x\"}\n", "y", []string{"b", "a"}, "1,,1\n0,2.5,\n", []string{"b", "a"}, nil},
		{"NDJSON without fields", "{\"a\":1,\"y\":1,\"b\":2}\n", "y", nil, "1,1,2\n", []string{"a", "b"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readTable(reading{name: "f", label: tt.label, fields: tt.fields}, []byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if string(got.csv) != tt.want || got.rows != strings.Count(tt.want, "\n") || !slices.Equal(got.columns, tt.columns) || !slices.Equal(got.unused, tt.unused) {
				t.Errorf("got %q, %d rows, columns %v, unused %v", got.csv, got.rows, got.columns, got.unused)
			}
		})
	}
}

func TestWrongTrainingDataIsNamedAndNotShown(t *testing.T) {
	for _, tt := range []struct {
		name, data, label string
		fields            []string
		want              string
	}{
		{"nothing", "\n", "y", nil, "data: f is empty"},
		{"a header alone", "y,a\n", "y", nil, "data: f holds no rows"},
		{"no such label", "y,a\n1,2\n", "z", nil, "label: f has no column z; it has y, a"},
		{"a label without a header", "1,2\n", "y", nil, "label: f has no header that names a column y"},
		{"no such field", "y,a\n1,2\n", "y", []string{"a", "b"}, "data: f has no column b, which flow.feature.fields asks with; it has y, a"},
		{"the label is a field", "y,a\n1,2\n", "y", []string{"a", "y"}, "y is the label and a field"},
		{"too few columns", "1,2\n", "", []string{"a", "b"}, "so 3 are needed"},
		{"a text", "y,a\n1,2\n0,secret\n", "y", nil, "data: f line 3: column a is not a number"},
		{"an infinite number", "y,a\n1,inf\n", "y", nil, "line 2: column a"},
		{"no label in a row", "y,a\n,2\n", "y", nil, "line 2: column y"},
		{"a short row", "y,a\n1\n", "y", nil, "record on line 2: wrong number of fields"},
		{"a column that is always empty", "y,a\n1,\n0,\n", "y", nil, "column a is empty in every row"},
		{"NDJSON without a label", "{\"a\":1}\n", "", nil, "label: it is empty"},
		{"NDJSON that is none", "{\"y\":1,\"a\":2}\n[secret]\n", "y", nil, "line 2 is not a JSON object"},
		{"a field that no object has", "{\"y\":1,\"a\":2}\n", "y", []string{"b"}, "column b is empty in every row"},
		{"a text in NDJSON", "{\"y\":1,\"a\":\"secret\"}\n", "y", nil, "line 1: column a is not a number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readTable(reading{name: "f", label: tt.label, fields: tt.fields}, []byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add([]byte(someData), "fraud")
	f.Add([]byte("{\"y\":1,\"a\":2}\n"), "y")
	f.Fuzz(func(t *testing.T, data []byte, label string) {
		got, err := readTable(reading{name: "f", label: label}, data)
		if err == nil && strings.Count(string(got.csv), "\n") != got.rows {
			t.Fatalf("%d rows in %q", got.rows, got.csv)
		}
	})
}

func TestNamesAreWhatSageMakerTakes(t *testing.T) {
	for _, p := range []Plan{{Pipeline: "v1", Model: "fraud"}, {Pipeline: "größe/1", Model: "_"}, {Pipeline: "_", Model: "_"}, {Pipeline: strings.Repeat("long-", 30), Model: "m"}} {
		r := (&recipe{image: "i"}).named(p, "x")
		for _, n := range []string{r.base + "-99", r.config} {
			if len(n) > maxName || strings.Contains(n, "--") || strings.HasPrefix(n, "-") {
				t.Errorf("%q is no name", n)
			}
		}
		if !ours(r.config, p) || ours("other-"+r.config, p) || ours("theirs", p) {
			t.Errorf("%q is not known as ours", r.config)
		}
	}
}

func TestValidateNamesPathValueAndRemedy(t *testing.T) {
	good := DefaultTrainConfig()
	good.Algorithm, good.Data = "xgboost", "f.csv"
	if ps := good.Validate(); len(ps) != 0 {
		t.Errorf("%v", ps)
	}
	bad := DefaultTrainConfig()
	bad.Algorithm, bad.Image, bad.Hyperparameters = "forest", "a b", map[string]string{"": "x"}
	if ps := bad.Validate(); len(ps) != 4 || !strings.Contains(ps[0].Error(), `algorithm: "forest" is not known; use xgboost, linear-learner`) {
		t.Errorf("%v", ps)
	}
	for _, tt := range []struct {
		want   string
		change func(*TrainConfig)
	}{
		{"held_out: 95% is not between 0% and 90%", func(c *TrainConfig) { c.HeldOut = 0.95 }},
		{"validation: 80% beside held_out: 20% leaves too little", func(c *TrainConfig) { c.Validation = 0.8 }},
		{"validation: hyperparameters.early_stopping_rounds needs rows", func(c *TrainConfig) {
			c.Hyperparameters = map[string]string{"early_stopping_rounds": "5"}
		}},
		{"max_runtime: 1ms is less than 1s", func(c *TrainConfig) { c.MaxRuntime = time.Millisecond }},
		{`instance_type: "m5" is not an instance type`, func(c *TrainConfig) { c.InstanceType = "m5" }},
		{`approve: "always" is not known`, func(c *TrainConfig) { c.Approve = "always" }},
		{"at_least.logloss: it is not known; use auc", func(c *TrainConfig) { c.AtLeast = map[string]float64{"logloss": 1} }},
		{"at_most.auc: it is not known; use logloss", func(c *TrainConfig) { c.AtMost = map[string]float64{"auc": 1} }},
		{"behind: -1 is less than 0", func(c *TrainConfig) { c.Behind = -1 }},
		{"threshold: NaN is no score", func(c *TrainConfig) { c.Threshold = math.NaN() }},
		{`data: "0:5" is no range`, func(c *TrainConfig) { c.Data, c.Label = "topic:t@0:5", "y" }},
		{"label: over the records of a topic it is an expression", func(c *TrainConfig) { c.Data, c.Label = "topic:t", "y +" }},
		{"key: records of a topic stay together", func(c *TrainConfig) { c.Data, c.Label, c.Key = "topic:t", "y", "k" }},
	} {
		c := good
		tt.change(&c)
		if ps := c.Validate(); len(ps) != 1 || !strings.HasPrefix(ps[0].Error(), tt.want) {
			t.Errorf("got %v, want %q", ps, tt.want)
		}
	}
	own := good
	own.Algorithm, own.Image = "", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1"
	if ps := own.Validate(); len(ps) != 0 {
		t.Errorf("an image of one's own: %v", ps)
	}
	for _, tt := range []struct {
		serve ServeConfig
		want  string
	}{
		{ServeConfig{}, "file: nothing is named"},
		{ServeConfig{File: "m.json", Image: "builtin:echo"}, "image: file and image are both set; remove one"},
		{ServeConfig{Command: []string{""}}, "command: the program is empty"},
	} {
		if ps := tt.serve.Validate(); len(ps) != 1 || !strings.Contains(ps[0].Error(), tt.want) {
			t.Errorf("got %v, want %q", ps, tt.want)
		}
	}
}
