package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// port is an address of this machine that stays bound while nobody listens there, so
// that no other program gets it: who asks then is refused.
type port struct {
	address string
	number  int
	held    int          // socket that is bound and does not listen; -1: none
	ln      net.Listener // nil: nobody listens
	server  *http.Server
}

// bind takes an address.
func bind() (*port, error) {
	p := &port{held: -1}
	if err := p.hold(); err != nil {
		return nil, err
	}
	name, err := unix.Getsockname(p.held)
	if err != nil {
		return nil, fmt.Errorf("address of a server: %w", err)
	}
	p.number = name.(*unix.SockaddrInet4).Port
	p.address = fmt.Sprint("127.0.0.1:", p.number)
	return p, nil
}

// hold binds the number, or any when there is none yet.
func (p *port) hold() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		if err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err == nil {
			err = unix.Bind(fd, &unix.SockaddrInet4{Port: p.number, Addr: [4]byte{127, 0, 0, 1}})
		}
		if err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		return fmt.Errorf("address of a server: %w", err)
	}
	p.held = fd
	return nil
}

// open lets a server listen.
func (p *port) open(h http.Handler) error {
	if p.ln != nil {
		return nil
	}
	if err := unix.Listen(p.held, unix.SOMAXCONN); err != nil {
		return fmt.Errorf("server at %s: %w", p.address, err)
	}
	file := os.NewFile(uintptr(p.held), p.address)
	p.held = -1
	defer file.Close()
	var err error
	if p.ln, err = net.FileListener(file); err != nil {
		return fmt.Errorf("server at %s: %w", p.address, err)
	}
	p.server = &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go p.server.Serve(p.ln)
	return nil
}

// shut closes the socket and every connection, as when the server's process is killed.
func (p *port) shut() error {
	if p.ln == nil {
		return nil
	}
	p.end()
	return p.hold()
}

// end closes what listens. The server may not have begun to.
func (p *port) end() {
	p.ln.Close()
	p.server.Close()
	p.ln = nil
}

// close gives the address back.
func (p *port) close() {
	if p.ln != nil {
		p.end()
	}
	if p.held >= 0 {
		unix.Close(p.held)
	}
}
