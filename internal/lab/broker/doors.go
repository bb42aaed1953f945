package broker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"

	"betimes/internal/listen"
)

// doors are the brokers' listeners. They are opened before the brokers are, so
// that a taken port is told by name and any host may be listened on.
type doors struct {
	open  []door
	given int
}

// openDoors opens one listener per broker. known are the ports of the last run,
// used when the configured port is 0.
func openDoors(cfg Config, known []int) (*doors, error) {
	host, text, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("kafka.embedded.listen: %q is not HOST:PORT: %w", cfg.Listen, err)
	}
	first, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("kafka.embedded.listen: the port of %q is not a number", cfg.Listen)
	}
	d := &doors{}
	for i := range cfg.Brokers {
		port := 0
		switch {
		case first != 0:
			port = first + i
		case i < len(known):
			port = known[i]
		}
		ln, err := listenOn(host, port)
		if err != nil {
			d.close()
			return nil, taken(cfg, i, port, err)
		}
		d.open = append(d.open, door{ln, advertised(host, ln.Addr().(*net.TCPAddr).Port)})
	}
	return d, nil
}

// listenOn takes a port, with 0 a free one: later runs have it again.
func listenOn(host string, port int) (net.Listener, error) {
	if port == 0 {
		return listen.Lasting(host)
	}
	return net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

func taken(cfg Config, i, port int, err error) error {
	remedy := "stop what uses the port, or choose another kafka.embedded.listen"
	if _, text, _ := net.SplitHostPort(cfg.Listen); text == "0" && port != 0 {
		remedy = "the last run had this port and clients may know it; stop what uses it, or write another port than 0 once"
	}
	return fmt.Errorf("kafka.embedded.listen: %s: broker %d of %d cannot have port %d: %w; %s", cfg.Listen, i+1, cfg.Brokers, port, err, remedy)
}

// door is a listener whose address is what clients are told.
type door struct {
	net.Listener
	told address
}

func (d door) Addr() net.Addr { return d.told }

func (d door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guard{Conn: conn, versions: versions()}, nil
}

type address string

func (address) Network() string  { return "tcp" }
func (a address) String() string { return string(a) }

// advertised is the address clients are told: the host listened on, or, when
// that is every interface, this machine's name or its first address.
func advertised(host string, port int) address {
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = ownName()
	}
	return address(net.JoinHostPort(host, strconv.Itoa(port)))
}

func ownName() string {
	if name, err := os.Hostname(); err == nil {
		if _, err := net.LookupHost(name); err == nil {
			return name
		}
	}
	addrs, _ := net.InterfaceAddrs() // none: loopback will do
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			return n.IP.String()
		}
	}
	return "127.0.0.1"
}

// next gives the listeners to the brokers, in order.
func (d *doors) next(string, string) (net.Listener, error) {
	if d.given == len(d.open) {
		return nil, errors.New("more brokers than listeners")
	}
	d.given++
	return d.open[d.given-1], nil
}

func (d *doors) addrs() []string {
	list := make([]string, len(d.open))
	for i, ln := range d.open {
		list[i] = ln.Addr().String()
	}
	return list
}

func (d *doors) ports() []int {
	list := make([]int, len(d.open))
	for i, ln := range d.open {
		list[i] = ln.Listener.Addr().(*net.TCPAddr).Port
	}
	return list
}

func (d *doors) close() {
	for _, ln := range d.open {
		_ = ln.Close() // nothing was accepted
	}
}
