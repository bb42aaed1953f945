package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Addresses are where a running process listens. Absent parts are left out.
type Addresses struct {
	Gateway   string   `json:"gateway,omitempty"`
	Dashboard string   `json:"dashboard,omitempty"`
	AWS       string   `json:"aws,omitempty"`
	Kafka     []string `json:"kafka,omitempty"`
}

// addressFile is where a running process of a data_dir says where it listens.
const addressFile = "addresses.json"

// WriteFile writes the addresses as JSON, whole or not at all.
func (a Addresses) WriteFile(file string) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	temp := file + ".new"
	if err := os.WriteFile(temp, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("addresses: %w", err)
	}
	return os.Rename(temp, file)
}

// Find returns the addresses of what runs on this data_dir: an up, or the roles
// together. Only up and watch have the API.
func Find(dataDir string) (Addresses, error) {
	var all Addresses
	found := false
	for _, role := range []string{"up", "watch", "gateway", "stream"} {
		one, ok := addressesOf(filepath.Join(dataDir, role))
		if !ok {
			continue
		}
		found = true
		if role == "up" {
			return one, nil
		}
		if role == "watch" {
			all.Dashboard = one.Dashboard
		}
		all.Gateway = cmp.Or(all.Gateway, one.Gateway)
	}
	if !found {
		return all, fmt.Errorf("nothing runs on %s; start `betimes up`, or say where with --at URL", dataDir)
	}
	return all, nil
}

// addressesOf reads what the process that holds the folder has announced. One
// that was killed holds nothing any more.
func addressesOf(dir string) (Addresses, bool) {
	var a Addresses
	data, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil || !held(dir) {
		return a, false
	}
	return a, json.Unmarshal(data, &a) == nil
}

// hereFile is where an up says in its working folder what it is.
const hereFile = ".betimes/running"

// running is the up that was started in the working folder.
type running struct {
	File    string `json:"file"`     // as given
	DataDir string `json:"data_dir"` // in force: that of --temporary is nowhere else to be read
}

// noteHere says in the working folder which file runs, and returns what takes
// that back. A folder that cannot be written to goes without.
func noteHere(file, dataDir string) func() {
	text, err := json.Marshal(running{file, dataDir})
	if err != nil || os.MkdirAll(filepath.Dir(hereFile), 0o700) != nil || os.WriteFile(hereFile, text, 0o600) != nil {
		return func() {}
	}
	return func() { os.Remove(hereFile) }
}

func runningHere() (running, error) {
	var r running
	text, err := os.ReadFile(hereFile)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	return r, err
}

// RunningHere is the file of the process that was started in this folder.
func RunningHere() (string, error) {
	r, err := runningHere()
	return r.File, err
}

// findFor returns the addresses of the process that runs the file on dataDir,
// or in a temporary folder from this working folder.
func findFor(file, dataDir string) Addresses {
	at, err := Find(dataDir)
	if err == nil {
		return at
	}
	here, err := runningHere()
	if err != nil || filepath.Clean(here.File) != filepath.Clean(file) {
		return Addresses{}
	}
	at, _ = Find(here.DataDir) // none: the file's own addresses count
	return at
}
