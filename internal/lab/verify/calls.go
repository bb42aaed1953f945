package verify

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// TakeCalls tells of the calls in a journal of a model server: a line for each
// event of each call, either its id alone or a JSON object with the member id or
// inference_id.
func (c *Checker) TakeCalls(r io.Reader) error {
	c.mu.Lock()
	c.journal = true // an empty journal says that nothing was asked
	c.mu.Unlock()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		text := lines.Bytes()
		if len(text) == 0 {
			continue
		}
		id := string(text)
		if text[0] == '{' {
			var one struct {
				ID        string `json:"id"`
				Inference string `json:"inference_id"`
			}
			if err := json.Unmarshal(text, &one); err != nil || one.ID == "" && one.Inference == "" {
				return fmt.Errorf("journal of calls, line %d: neither an id nor an object with one", n)
			}
			if id = one.ID; id == "" {
				id = one.Inference
			}
		}
		c.Call(id)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("journal of calls: %w", err)
	}
	return nil
}
