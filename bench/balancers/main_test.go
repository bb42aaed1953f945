package main

import (
	"fmt"
	"os"
	"testing"
)

// TestMain is also the servers' process, as main is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == partServe {
		if err := serve(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
