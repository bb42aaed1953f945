package app

import (
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

// Find returns the addresses of the process that runs on this data_dir.
func Find(dataDir string) (Addresses, error) {
	var a Addresses
	for _, role := range []string{"up", "watch", "gateway", "stream"} {
		data, err := os.ReadFile(filepath.Join(dataDir, role, addressFile))
		if err != nil {
			continue
		}
		return a, json.Unmarshal(data, &a)
	}
	return a, fmt.Errorf("nothing runs on %s; start `betimes up`, or say where with --at URL", dataDir)
}

// hereFile is where a process started in a folder says which file it runs.
const hereFile = ".betimes/running"

// noteHere says in the working folder which file runs, and returns what takes
// that back. A folder that cannot be written to goes without.
func noteHere(file string) func() {
	if err := os.MkdirAll(filepath.Dir(hereFile), 0o700); err != nil {
		return func() {}
	}
	if err := os.WriteFile(hereFile, []byte(file), 0o600); err != nil {
		return func() {}
	}
	return func() { os.Remove(hereFile) }
}

// RunningHere is the file of the process that was started in this folder.
func RunningHere() (string, error) {
	file, err := os.ReadFile(hereFile)
	return string(file), err
}
