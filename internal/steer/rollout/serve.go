package rollout

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// execArguments is where the emulator finds the arguments of an exec: image.
const execArguments = "BETIMES_EXEC_ARGS"

// own settles the recipe of a model of your own.
func (r *run) own() (*recipe, error) {
	c := r.plan.Serve
	switch {
	case c.Image != "":
		recipe := &recipe{image: c.Image}
		return recipe.named(r.plan, "image"), nil
	case len(c.Command) > 0:
		return r.command(c.Command)
	}
	model, image, err := packFile(c.File)
	if err != nil {
		return nil, r.wrong("serve.file", "%w", err)
	}
	recipe := &recipe{image: image, model: model}
	return recipe.named(r.plan, "file", string(model)), nil
}

func (r *run) command(command []string) (*recipe, error) {
	arguments, err := json.Marshal(command[1:])
	if err != nil {
		return nil, r.wrong("serve.command", "%w", err)
	}
	recipe := &recipe{image: "exec:" + command[0], env: map[string]string{execArguments: string(arguments)}}
	return recipe.named(r.plan, "command", string(arguments)), nil
}

// packFile makes a model.tar.gz of a model file and says which algorithm reads it.
func packFile(file string) (packed []byte, image string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	model := data
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		if model, err = modelIn(data); err != nil {
			return nil, "", fmt.Errorf("%s: %w", file, err)
		}
		packed = data
	} else if packed, err = pack(data); err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	algorithm, err := algorithmOf(model)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", file, err)
	}
	return packed, "builtin:" + algorithm, nil
}

const (
	modelName     = "model.json"
	maxModelBytes = 512 << 20
)

// pack is the same for the same model: names hold a digest of it.
func pack(model []byte) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	err := archive.WriteHeader(&tar.Header{Name: modelName, Mode: 0o644, Size: int64(len(model)), Format: tar.FormatUSTAR})
	if err == nil {
		_, err = archive.Write(model)
	}
	err = errors.Join(err, archive.Close(), zip.Close())
	return out.Bytes(), err
}

// modelIn finds model.json in an archive.
func modelIn(packed []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	archive := tar.NewReader(io.LimitReader(zip, maxModelBytes))
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("there is no %s in it", modelName)
		}
		if err != nil {
			return nil, fmt.Errorf("it is not a tar.gz archive of at most %d MiB: %w", maxModelBytes>>20, err)
		}
		if path.Base(h.Name) == modelName && h.Typeflag == tar.TypeReg {
			return io.ReadAll(archive)
		}
	}
}

// algorithmOf knows a model by the members of its JSON.
func algorithmOf(model []byte) (string, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(model, &members); err != nil {
		return "", errors.New("it is not the JSON model of xgboost or linear-learner; serve other models by command")
	}
	switch {
	case members["learner"] != nil:
		return xgboost, nil
	case members["linear_learner"] != nil:
		return linearLearner, nil
	}
	return "", fmt.Errorf("it has no member learner or linear_learner but %s; serve other models by command", strings.Join(some(members), ", "))
}

func some(members map[string]json.RawMessage) []string {
	const enough = 5
	var names []string
	for n := range members {
		names = append(names, n)
	}
	if len(names) > enough {
		names = append(names[:enough], "…")
	}
	return names
}
