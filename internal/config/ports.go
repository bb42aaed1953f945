package config

// claim is one port that a part of the file takes.
type claim struct {
	path, host string
	port       int
}

// ports finds two parts that would listen on one address.
func (c checker) ports() {
	var claims []claim
	for _, l := range c.listens() {
		host, first, ok := hostPort(*l.address)
		if !ok {
			c.bad(l.path, "%s is not an address; write for example 127.0.0.1:8080, or 127.0.0.1:0 for a free port", shorten(*l.address))
			continue
		}
		for i := 0; first > 0 && i < l.ports; i++ {
			next := claim{l.path, host, first + i}
			c.claim(claims, next)
			claims = append(claims, next)
		}
	}
}

func (c checker) claim(taken []claim, next claim) {
	for _, t := range taken {
		if t.port != next.port || t.path == next.path || t.host != next.host && !everywhere(t.host) && !everywhere(next.host) {
			continue
		}
		c.bad(next.path, "port %d is taken by %s; choose another, or 0 for a free one", next.port, t.path)
		return
	}
	if next.port >= 1<<16 {
		c.bad(next.path, "broker port %d is beyond 65535; begin lower", next.port)
	}
}

func everywhere(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
