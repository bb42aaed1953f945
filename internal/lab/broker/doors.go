package broker

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// doors are the brokers' listeners, opened before the brokers are, so that a
// taken port is told by name.
type doors struct {
	open  []net.Listener
	given int
}

// listen opens one listener per broker. known are the ports of the last run,
// used when the configured port is 0.
func listen(cfg Config, known []int) (*doors, error) {
	host, portText, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("kafka.embedded.listen: %q: %w", cfg.Listen, err)
	}
	first, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("kafka.embedded.listen: %q: the port is not a number", cfg.Listen)
	}
	d := &doors{}
	for i := range cfg.Brokers {
		port := first + i
		if first == 0 {
			port = 0
			if i < len(known) {
				port = known[i]
			}
		}
		ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			d.close()
			return nil, taken(cfg, i, port, err)
		}
		d.open = append(d.open, ln)
	}
	return d, nil
}

func taken(cfg Config, i, port int, err error) error {
	remedy := "choose another kafka.embedded.listen, or stop what uses the port"
	if cfg.Listen != "" && port != 0 {
		remedy += "; lsof -i :" + strconv.Itoa(port) + " names it"
	}
	return fmt.Errorf("kafka.embedded.listen: %s: broker %d of %d cannot have port %d: %w; %s", cfg.Listen, i+1, cfg.Brokers, port, err, remedy)
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
	var list []string
	for _, ln := range d.open {
		list = append(list, ln.Addr().String())
	}
	return list
}

func (d *doors) ports() []int {
	var list []int
	for _, ln := range d.open {
		list = append(list, ln.Addr().(*net.TCPAddr).Port)
	}
	return list
}

func (d *doors) close() {
	for _, ln := range d.open {
		ln.Close()
	}
}
