package config

import (
	"net"
	"time"

	"betimes/internal/privacy"
)

// hosts puts listen_host in the place of 127.0.0.1.
func (s settler) hosts() {
	if s.ListenHost == "" {
		return
	}
	for _, l := range s.listens() {
		host, port, err := net.SplitHostPort(*l.address)
		if err != nil || host != "127.0.0.1" {
			continue
		}
		*l.address = net.JoinHostPort(s.ListenHost, port)
		from := s.origins[l.path]
		if from.By = "by listen_host"; from.File == "" {
			from.By = "default, by listen_host"
		}
		s.origins[l.path] = from
	}
}

func (s settler) beyondLoopback() {
	loopback := s.Loopback()
	if !s.set("privacy.show") {
		s.Privacy.Show = privacy.None
		if loopback {
			s.Privacy.Show = privacy.Keys
		}
		s.because("privacy.show", where(loopback))
	}
	if s.DrainDelay == AutoDelay {
		s.DrainDelay = Delay(5 * time.Second)
		if loopback {
			s.DrainDelay = 0
		}
		s.because("drain_delay", where(loopback))
	}
}

func where(loopback bool) string {
	if loopback {
		return "on loopback"
	}
	return "beyond loopback"
}
