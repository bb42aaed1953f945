package kafka

import "sync"

// epochs knows under which producer id and epoch the records of a transaction
// were written. The library may take a new epoch in the middle of one, after
// which the brokers have aborted what was written before.
type epochs struct {
	mu    sync.Mutex
	any   bool
	id    int64
	epoch int16
	mixed bool
}

// begin forgets the records before.
func (e *epochs) begin() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.any, e.mixed = false, false
}

// note adds a record.
func (e *epochs) note(id int64, epoch int16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mixed = e.mixed || e.any && (id != e.id || epoch != e.epoch)
	e.any, e.id, e.epoch = true, id, epoch
}

// all says whether there are records and every one has this id and epoch.
func (e *epochs) all(id int64, epoch int16) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.any && !e.mixed && e.id == id && e.epoch == epoch
}
