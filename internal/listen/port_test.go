package listen

import (
	"net"
	"testing"
)

func TestALastingPortIsOneThatNoOutgoingConnectionTakes(t *testing.T) {
	for range 50 {
		ln, err := Lasting("127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		if port := ln.Addr().(*net.TCPAddr).Port; port < 20000 || port > 31999 {
			t.Errorf("port %d", port)
		}
	}
}
