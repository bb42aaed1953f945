package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"betimes/internal/flow/balance"
	"betimes/internal/model"
	"betimes/internal/rest"
)

// system is what is asked, and how it is ended.
type system struct {
	model.Invoker
	doors []*door // that it asks by; nil: it is a proxy
	stop  func()
}

// refused are the tries at each server that found nobody; nil: not known.
func (s system) refused() (all []int64) {
	for _, d := range s.doors {
		all = append(all, d.refused.Load())
	}
	return all
}

// door counts the tries that found nobody: the servers cannot.
type door struct {
	*rest.Endpoint
	refused atomic.Int64
}

func (d *door) Invoke(ctx context.Context, r *model.Request) (*model.Response, error) {
	resp, err := d.Endpoint.Invoke(ctx, r)
	if model.ClassOf(err) == model.ClassConnection {
		d.refused.Add(1)
	}
	return resp, err
}

// open makes a system before the servers at these addresses.
func open(ctx context.Context, name string, addresses []string, dir string) (system, error) {
	if program, policy, proxy := strings.Cut(name, " "); proxy && !strings.HasPrefix(name, betimes) {
		return openProxy(ctx, program, policy, addresses, dir)
	}
	c := balance.DefaultConfig()
	if name == hedging {
		h := balance.DefaultHedge()
		c.Hedge = &h
	}
	var routes []balance.Route
	var s system
	for i, address := range addresses {
		target := balance.Target{Model: "m", Endpoint: fmt.Sprint("s", i), Door: "rest", Limit: connections}
		e, err := ask(target.Endpoint, address, connections)
		if err != nil {
			return system{}, err
		}
		d := &door{Endpoint: e}
		s.doors = append(s.doors, d)
		routes = append(routes, balance.Route{Target: target, Door: d})
	}
	s.Invoker = balance.Among(c, routes, balance.Deps{})
	s.stop = func() {
		for _, d := range s.doors {
			d.Close()
		}
	}
	return s, nil
}

// connections are those to one server; a proxy in front of all has as many for each.
const connections = 256

// ask is the HTTP client with which everything is asked.
func ask(name, address string, connections int) (*rest.Endpoint, error) {
	c := rest.DefaultConfig()
	c.URL, c.Connections, c.Timeout = "http://"+address+"/invocations", connections, 10*time.Second
	return rest.New(c, rest.Deps{Name: name})
}
