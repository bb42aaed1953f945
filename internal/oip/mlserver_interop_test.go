//go:build interop

package oip

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"betimes/internal/lab/realkafka"
	"betimes/internal/model"
)

// mlserverVersion is the MLServer that runs.
const mlserverVersion = "1.7.1"

// mlserver makes a Python environment with MLServer, once, in the cache folder, and
// gives its folder of programs.
func mlserver(t *testing.T) string {
	t.Helper()
	cache := os.Getenv("BETIMES_CACHE")
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cache = filepath.Join(user, "betimes")
	}
	programs := filepath.Join(cache, "mlserver-"+mlserverVersion, "bin")
	if _, err := os.Stat(filepath.Join(programs, "complete")); err == nil {
		return programs
	}
	python(t, "python3", "-m", "venv", "--clear", filepath.Dir(programs))
	python(t, filepath.Join(programs, "pip"), "install", "--quiet", "--disable-pip-version-check", "mlserver=="+mlserverVersion, "mlserver-sklearn=="+mlserverVersion)
	if err := os.WriteFile(filepath.Join(programs, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return programs
}

func python(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// expected is what scikit-learn says of rows.
type expected struct {
	Rows    [][]float64
	Labels  []int
	Chances [][]float64
}

// served is an MLServer that runs, as configurations of both ways to it.
type served struct {
	overHTTP, overGRPC Config
	expected           expected
}

func startMLServer(t *testing.T) served {
	programs, folder := mlserver(t), t.TempDir()
	var ports []string
	for _, port := range realkafka.Ports(t, 3) {
		ports = append(ports, strconv.Itoa(port))
	}
	python(t, filepath.Join(programs, "python"), "testdata/mlserver.py", folder, ports[0], ports[1], ports[2])
	cmd := exec.Command(filepath.Join(programs, "mlserver"), "start", folder)
	cmd.Dir = folder
	log, err := os.Create(filepath.Join(folder, "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s", text[max(0, len(text)-8192):])
		}
	})
	s := served{overHTTP: DefaultConfig(), overGRPC: DefaultConfig()}
	s.overHTTP.URL, s.overGRPC.URL = "http://127.0.0.1:"+ports[0], "grpc://127.0.0.1:"+ports[1]
	s.overHTTP.Model, s.overGRPC.Model = "told", "told"
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err == nil {
		err = json.Unmarshal(text, &s.expected)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Config{s.overHTTP, s.overGRPC} {
		awaitReady(t, c)
	}
	return s
}

func awaitReady(t *testing.T, c Config) {
	t.Helper()
	e := endpoint(t, c)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var err error
	for range 1200 {
		if err = e.transport.ready(t.Context()); err == nil {
			return
		}
		<-tick.C
	}
	t.Fatalf("MLServer is not ready: %v", err)
}

func rowsOf(rows [][]float64) *model.Request {
	r := &model.Request{ContentType: "application/json", InferenceID: "id-1"}
	for _, row := range rows {
		text, _ := json.Marshal(map[string]any{"instances": [][]float64{row}})
		r.Items = append(r.Items, model.Item{Body: text})
	}
	return r
}

// TestInteropMLServer asks a real MLServer over HTTP and gRPC.
func TestInteropMLServer(t *testing.T) {
	s := startMLServer(t)
	for name, c := range map[string]Config{"over HTTP": s.overHTTP, "over gRPC": s.overGRPC} {
		t.Run(name, func(t *testing.T) {
			t.Run("events asked together and alone get scikit-learn's answers", func(t *testing.T) { s.predicts(t, c) })
			t.Run("several outputs are parted", func(t *testing.T) { s.chances(t, c) })
			t.Run("tensors go the other way too", func(t *testing.T) { s.otherWay(t, c) })
			t.Run("fields that do not agree are named at the start", func(t *testing.T) { disagrees(t, c) })
			t.Run("what the server refuses is classified", func(t *testing.T) { refuses(t, c) })
		})
	}
}

func (s served) predicts(t *testing.T, c Config) {
	e := endpoint(t, c)
	together, err := e.Invoke(t.Context(), rowsOf(s.expected.Rows))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range together.Answers {
		want := fmt.Sprintf(`{"model_name":"told","model_version":"v1","outputs":[{"name":"predict","datatype":"INT64","shape":[1,1],"data":[%d]}]}`, s.expected.Labels[i])
		if string(a.Body) != want {
			t.Errorf("event %d: %s, want %s", i, a.Body, want)
		}
	}
	for i, row := range s.expected.Rows[:4] {
		alone, err := e.Invoke(t.Context(), rowsOf([][]float64{row}))
		if err != nil || string(alone.Answers[0].Body) != string(together.Answers[i].Body) || alone.Version != "v1" {
			t.Errorf("event %d alone: %v %+v", i, err, alone)
		}
	}
}

func (s served) chances(t *testing.T, c Config) {
	c.Outputs = []string{"predict_proba", "predict"}
	resp, err := endpoint(t, c).Invoke(t.Context(), rowsOf(s.expected.Rows))
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range resp.Answers {
		var answer struct {
			Outputs []struct {
				Name string
				Data []float64
			}
		}
		if err := json.Unmarshal(a.Body, &answer); err != nil || len(answer.Outputs) != 2 || answer.Outputs[0].Name != "predict_proba" {
			t.Fatalf("%v %s", err, a.Body)
		}
		for j, p := range answer.Outputs[0].Data {
			if math.Abs(p-s.expected.Chances[i][j]) > 1e-6 {
				t.Errorf("event %d: %v, want %v", i, answer.Outputs[0].Data, s.expected.Chances[i])
			}
		}
	}
}

// otherWay sends lists over gRPC, and csv.
func (s served) otherWay(t *testing.T, c Config) {
	c.Binary = binaryOff
	r := rowsOf(s.expected.Rows[:3])
	r.ContentType = "text/csv"
	for i := range r.Items {
		r.Items[i].Body = []byte(strings.Trim(strings.ReplaceAll(fmt.Sprint(s.expected.Rows[i]), " ", ","), "[]"))
	}
	resp, err := endpoint(t, c).Invoke(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range resp.Answers {
		if string(a.Body) != strconv.Itoa(s.expected.Labels[i]) {
			t.Errorf("event %d: %s, want %d", i, a.Body, s.expected.Labels[i])
		}
	}
}

func disagrees(t *testing.T, c Config) {
	for name, want := range map[string]string{
		"told":   "flow.feature.fields: it names 2 fields, and the model's input x (FP32 [-1 4]) takes 4; make them agree",
		"untold": "the server tells no inputs of this model",
	} {
		c.Model = name
		e, err := New(c, Deps{Name: "stub", Fields: []string{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		if err := e.Prepare(t.Context()); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func refuses(t *testing.T, c Config) {
	c.Model, c.Inputs = "untold", []InputConfig{{"x", "FP32", []int64{-1, -1}}}
	e := endpoint(t, c)
	if _, err := e.Invoke(t.Context(), rowsOf([][]float64{{1, 2, 3, 4, 5}})); model.ClassOf(err) != model.ClassModelFault {
		t.Errorf("a row too long for the model: %v", err)
	}
	_, err := e.Invoke(t.Context(), rowsOf([][]float64{{1, 2, 3, 4}}))
	if model.ClassOf(err) == model.ClassConnection { // over HTTP it hangs up after a failure
		_, err = e.Invoke(t.Context(), rowsOf([][]float64{{1, 2, 3, 4}}))
	}
	if err != nil {
		t.Errorf("the next: %v", err)
	}
	c.Model = "nobody"
	if err := endpoint(t, c).Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "mend") {
		t.Errorf("an unknown model: %v", err)
	}
}
