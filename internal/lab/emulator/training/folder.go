package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"syscall"
)

// host is the name of the one machine of a job.
const host = "algo-1"

// folder is what a program sees as /opt/ml.
type folder struct {
	base string   // holds ml, and what mounting it needs
	root *os.Root // of ml; nothing is read or written but through it
}

// parts are the folders of the contract. The channels come below input/data.
var parts = []string{"input/config", "input/data", "model", "output/data", "checkpoints"}

// newFolder makes an empty one for a job.
func (r *Runner) newFolder(j Job) (*folder, error) {
	base, err := filepath.Abs(filepath.Join(r.Dir, "running", j.Name))
	if err != nil {
		return nil, err
	}
	if err := os.RemoveAll(base); err != nil { // of an earlier life
		return nil, err
	}
	ml := filepath.Join(base, "ml")
	if err := os.MkdirAll(ml, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(ml)
	if err != nil {
		return nil, err
	}
	f := &folder{base: base, root: root}
	for _, p := range parts {
		err = errors.Join(err, root.MkdirAll(p, 0o700))
	}
	return f, err
}

func (f *folder) remove() {
	_ = f.root.Close()
	_ = os.RemoveAll(f.base) // what stays goes when the name comes again
}

// describe writes the three files of input/config.
func (f *folder) describe(j Job) error {
	channels := map[string]map[string]string{}
	for _, c := range j.Channels {
		d := map[string]string{"TrainingInputMode": orDefault(c.Mode, "File"), "S3DistributionType": orDefault(c.Distribution, "FullyReplicated"), "RecordWrapperType": orDefault(c.RecordWrapper, "None")}
		if c.ContentType != "" {
			d["ContentType"] = c.ContentType
		}
		channels[c.Name] = d
	}
	const group = "homogeneousCluster"
	return errors.Join(
		f.writeJSON("input/config/hyperparameters.json", hyperOf(j)),
		f.writeJSON("input/config/inputdataconfig.json", channels),
		f.writeJSON("input/config/resourceconfig.json", map[string]any{
			"current_host": host, "hosts": []string{host}, "network_interface_name": "lo",
			"current_instance_type": j.InstanceType, "current_group_name": group,
			"instance_groups": []map[string]any{{"instance_group_name": group, "instance_type": j.InstanceType, "hosts": []string{host}}},
		}))
}

// hyperOf is never nil: a program reads {} where none was given.
func hyperOf(j Job) map[string]string {
	if j.Hyper == nil {
		return map[string]string{}
	}
	return j.Hyper
}

func orDefault(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (f *folder) writeJSON(name string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return f.root.WriteFile(name, raw, 0o600)
}

// fill copies objects into the folder dir. A key that leads out of it is refused.
func (f *folder) fill(r *Runner, dir string, objects []object) error {
	if err := f.root.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	below, err := f.root.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer below.Close()
	for _, o := range objects {
		if err := copyObject(r, below, o); err != nil {
			return fmt.Errorf("ClientError: Data download failed: s3://%s/%s: %w", o.bucket, o.key, err)
		}
	}
	return nil
}

func copyObject(r *Runner, below *os.Root, o object) error {
	body, _, err := r.Buckets.Read(o.bucket, o.key)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := below.MkdirAll(path.Dir(o.name), 0o700); err != nil {
		return err
	}
	file, err := below.Create(o.name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, body)
	return errors.Join(err, file.Close())
}

// openFile reads a file that a program left. It may be a pipe: opening must not wait for a writer.
func openFile(root *os.Root, name string) (*os.File, error) {
	return root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// failure is what the program wrote about its end, up to limit bytes.
func (f *folder) failure(limit int64) string {
	file, err := openFile(f.root, "output/failure")
	if err != nil {
		return ""
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(file, limit)) // what could be read is better than nothing
	return string(text)
}
