package config

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

func modelNames(c Config) []string {
	var all []string
	for name := range c.Models {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (c checker) models() {
	if len(c.Models) == 0 {
		c.bad("models", "there is no model; write for example models: {fraud: {sagemaker: {endpoint: fraud}}}")
	}
	for _, name := range modelNames(c.Config) {
		path := "models." + name
		if strings.Contains(name, ".") || !goodName.MatchString(name) {
			c.bad(path, "%s is no name for a model; use letters, digits, _ and -", shorten(name))
		}
		c.model(path, c.Models[name])
	}
}

func (c checker) model(path string, m ModelConfig) {
	switch {
	case len(m.doors()) == 0:
		c.bad(path, "it does not say where the model answers; write sagemaker: {endpoint: NAME}, oip: {url: URL, model: NAME} or rest: {url: URL}")
	case len(m.doors()) > 1:
		c.bad(path, "it has %s; keep one (write null over an extended file)", strings.Join(m.doors(), " and "))
	case m.Endpoints != nil:
		c.endpoints(path, m)
	case m.Embedded() && m.SageMaker.URL != "":
		c.bad(path+".sagemaker.url", "embedded says that the endpoint is inside this process; remove one of both")
	case m.Train != nil && m.Serve != nil:
		c.bad(path+".serve", "the model is trained too; remove train or serve")
	case m.SageMaker == nil && m.Train != nil:
		c.bad(path+".train", "an %s server is not trained by betimes; remove train, or use sagemaker", m.doors()[0])
	case (m.Train != nil || m.Serve != nil) && m.SageMaker.Async != nil:
		c.bad(path+".sagemaker.async", "betimes makes no asynchronous endpoints; name one that exists and remove train and serve, or remove async")
	case m.Serve != nil && !m.Embedded():
		c.bad(path+".serve", "only an endpoint inside this process serves a model of your own; write sagemaker: {embedded: true}, or remove serve")
	}
	if m.Train != nil && m.SageMaker != nil {
		c.training(path+".train.data", m)
	}
}

// training compares the header of a CSV file with the fields that predictions
// will be asked with. A model that is trained elsewhere may have its file elsewhere.
func (c checker) training(path string, m ModelConfig) {
	file := m.Train.Data
	if file == "" || scheme(file) {
		return
	}
	header, err := firstLine(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !m.Embedded():
		return
	case errors.Is(err, fs.ErrNotExist):
		c.bad(path, "%s: there is no such file; paths are relative to the file that names them, builtin:payments is the example's own", file)
		return
	case err != nil:
		c.bad(path, "%s cannot be read: %s; name a CSV or NDJSON file", file, err)
		return
	}
	if len(header) > 0 {
		c.columns(path, file, header, m)
	}
}

func (c checker) columns(path, file string, header []string, m ModelConfig) {
	if l := m.Train.Label; l != "" && !slices.Contains(header, l) {
		c.bad(strings.TrimSuffix(path, "data")+"label", "%s has no column %s; it has %s", file, l, strings.Join(header, ", "))
	}
	for i, f := range c.Flow.Feature.Fields {
		if !slices.Contains(header, f) {
			c.bad(index("flow.feature.fields", i), "%s has no column %s to train with; it has %s", file, f, strings.Join(header, ", "))
		}
	}
}

// firstLine gives the names of the columns, or none when the file has no header
// or is not CSV.
func firstLine(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, maxFileBytes)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(line), "{") {
		return nil, nil
	}
	names, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(line, "\ufeff"))).Read()
	if err != nil || slices.ContainsFunc(names, isNumber) {
		return nil, nil
	}
	return names, nil
}

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	return err == nil || cell == ""
}
