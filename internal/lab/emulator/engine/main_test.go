package engine

import (
	"os"
	"testing"

	"betimes/internal/lifecycle/lifecycletest"
)

func TestMain(m *testing.M) { os.Exit(lifecycletest.Leaks(m)) }
