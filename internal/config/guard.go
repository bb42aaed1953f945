package config

import "betimes/internal/listen"

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

// tokens must guard what others can reach.
func (c checker) tokens() {
	if g := c.Flow.Gateway; !loopback(g.Listen) && len(g.Tokens) == 0 && g.Auth != "external" {
		c.bad("flow.gateway.tokens", "%s can be reached from other machines, and nobody is asked for a token; add tokens, or auth: external when a proxy in front asks", g.Listen)
	}
	if a := c.Admin; !loopback(a.Listen) && len(a.Tokens) == 0 {
		c.bad("admin.tokens", "%s can be reached from other machines, and nobody is asked for a token; add {name: me, role: admin, token: file:PATH}", a.Listen)
	}
	c.tokenList("flow.gateway.tokens", c.Flow.Gateway.Tokens, "")
	c.tokenList("admin.tokens", c.Admin.Tokens, listen.RoleAdmin)
}

// tokenList checks each token; role is what an empty one would have to be.
func (c checker) tokenList(path string, tokens []listen.TokenConfig, role string) {
	for i, t := range tokens {
		at := index(path, i)
		value, err := t.Token.Value()
		switch {
		case t.Token.IsZero() || err == nil && value == "":
			c.bad(at+".token", "it is empty; write file:PATH of a file that holds the token")
		case t.Name == "":
			c.bad(at+".name", "it is empty; name the caller, for the audit log")
		}
		if role != "" {
			c.oneOf(at+".role", t.Role, listen.RoleRead, listen.RoleAdmin)
		}
	}
}
