// Command container is what an image of a registry holds: a model server and a
// trainer, as SageMaker starts them. ML is /opt/ml unless the environment says other.
package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ml := cmp.Or(os.Getenv("ML"), "/opt/ml")
	var err error
	if len(os.Args) != 2 {
		err = fmt.Errorf("arguments %q", os.Args)
	} else if os.Args[1] == "train" {
		err = train(ml)
	} else {
		err = serve(ml)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(3)
	}
}

// train leaves what it was told as the model.
func train(ml string) error {
	var hyper map[string]string
	text, err := os.ReadFile(filepath.Join(ml, "input/config/hyperparameters.json"))
	if err == nil {
		err = json.Unmarshal(text, &hyper)
	}
	if err != nil {
		return err
	}
	if hyper["fail"] != "" {
		if err := os.WriteFile(filepath.Join(ml, "output/failure"), []byte(hyper["fail"]), 0o600); err != nil {
			return err
		}
		return fmt.Errorf("it fails")
	}
	if hyper["wait"] != "" {
		return wait(filepath.Join(ml, "model/saved"))
	}
	rows, err := os.ReadFile(filepath.Join(ml, "input/data/train/a.csv"))
	if err != nil {
		return err
	}
	fmt.Printf("rows=%d;\n", strings.Count(string(rows), "\n"))
	return os.WriteFile(filepath.Join(ml, "model/weights"), []byte(hyper["weights"]+" "+os.Getenv("TRAINING_JOB_NAME")), 0o600)
}

// wait saves a model when it is asked to end.
func wait(file string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("waiting")
	<-asked
	return os.WriteFile(file, []byte("saved"), 0o600)
}

// serve answers with the model, a variable and the request.
func serve(ml string) error {
	weights, err := os.ReadFile(filepath.Join(ml, "model/weights"))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", net.JoinHostPort("", cmp.Or(os.Getenv("PORT"), os.Getenv("SAGEMAKER_BIND_TO_PORT"))))
	if err != nil {
		return err
	}
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			return
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s|%s|%s", weights, os.Getenv("WORD"), body)
	}))
	fmt.Println("serving")
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	<-asked
	return nil
}
