package trail

// keeper seals generations beside the tail, one at a time, so that those who
// wait for an ending do not wait for a disk.
type keeper struct {
	index   *index
	running chan error // of the sealing under way; nil when none is
}

func newKeeper(ix *index) *keeper { return &keeper{index: ix} }

// turn starts to seal when the newest generation is full. Only when the one
// before is still being sealed does it wait: memory holds two.
func (k *keeper) turn() {
	if k.index.full() {
		k.start(false)
	}
}

func (k *keeper) start(force bool) {
	k.wait()
	if !k.index.turn(force) {
		return
	}
	done := make(chan error, 1)
	k.running = done
	go func() { done <- k.index.seal() }()
}

// wait waits for the sealing under way.
func (k *keeper) wait() {
	if k.running == nil {
		return
	}
	if err := <-k.running; err != nil {
		k.index.fail(err)
	}
	k.running = nil
}

// close seals what is in memory, so that the next start need not read it again.
func (k *keeper) close() {
	k.start(true)
	k.wait()
	k.index.close()
}
