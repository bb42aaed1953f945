package fault

import (
	"fmt"
	"net"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// naming are the kinds of request whose answers may name brokers.
var naming = []kmsg.Key{
	kmsg.Produce, kmsg.Fetch, kmsg.Metadata, kmsg.FindCoordinator, kmsg.DescribeCluster, kmsg.ShareFetch, kmsg.ShareAcknowledge,
}

// rewrite returns an answer frame in which brokers have the addresses of their
// fronts. Most are returned as they are.
func (p *Proxy) rewrite(r *request, frame []byte) ([]byte, error) {
	key := kmsg.Key(r.key)
	if key != kmsg.ApiVersions && !slices.Contains(naming, key) {
		return frame, nil
	}
	resp := r.answerTo()
	if key == kmsg.ApiVersions {
		return capped(r, resp, frame)
	}
	if resp == nil {
		return nil, fmt.Errorf("an answer to %s in version %d may name brokers, and cannot be read", key.Name(), r.version)
	}
	at, err := answerBody(frame, resp)
	if err == nil {
		err = resp.ReadFrom(frame[at:])
	}
	if err != nil {
		return nil, fmt.Errorf("answer to %s in version %d: %w", key.Name(), r.version, err)
	}
	n, err := p.rename(resp)
	if n == 0 || err != nil {
		return frame, err
	}
	return answerFrame(r.correlation, resp), nil
}

// rename puts fronts in the place of brokers and returns how many there were.
func (p *Proxy) rename(resp kmsg.Response) (int, error) {
	var n renaming
	switch resp := resp.(type) {
	case *kmsg.MetadataResponse:
		for i := range resp.Brokers {
			b := &resp.Brokers[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.FindCoordinatorResponse:
		n.one(p, resp.NodeID, &resp.Host, &resp.Port)
		for i := range resp.Coordinators {
			b := &resp.Coordinators[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.DescribeClusterResponse:
		for i := range resp.Brokers {
			b := &resp.Brokers[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.ProduceResponse:
		for i := range resp.Brokers {
			b := &resp.Brokers[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.FetchResponse:
		for i := range resp.Brokers {
			b := &resp.Brokers[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.ShareFetchResponse:
		for i := range resp.NodeEndpoints {
			b := &resp.NodeEndpoints[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	case *kmsg.ShareAcknowledgeResponse:
		for i := range resp.NodeEndpoints {
			b := &resp.NodeEndpoints[i]
			n.one(p, b.NodeID, &b.Host, &b.Port)
		}
	}
	return n.count, n.err
}

// renaming counts the brokers of one answer.
type renaming struct {
	count int
	err   error
}

// one puts the front of a broker in its place. No host means no broker, for
// example no coordinator yet.
func (n *renaming) one(p *Proxy, node int32, host *string, port *int32) {
	if *host == "" || n.err != nil {
		return
	}
	f, err := p.front(net.JoinHostPort(*host, strconv.Itoa(int(*port))))
	if err != nil {
		n.err = err
		return
	}
	f.node.Store(node)
	addr := f.listener.Addr().(*net.TCPAddr)
	*host, *port = addr.IP.String(), int32(addr.Port)
	n.count++
}

// capped hides the versions of requests that could not be read here.
func capped(r *request, resp kmsg.Response, frame []byte) ([]byte, error) {
	versions, _ := resp.(*kmsg.ApiVersionsResponse)
	if versions == nil { // the broker may not know the version either
		versions = kmsg.NewPtrApiVersionsResponse()
	}
	at, err := answerBody(frame, versions)
	if err != nil {
		return nil, err
	}
	if len(frame) >= at+2 && int16(frame[at])<<8|int16(frame[at+1]) == kerr.UnsupportedVersion.Code {
		return frame, nil // in version 0, whatever was asked; the client asks again
	}
	if err := versions.ReadFrom(frame[at:]); err != nil {
		return nil, fmt.Errorf("answer to ApiVersions in version %d: %w", r.version, err)
	}
	known := versions.ApiKeys[:0]
	for _, k := range versions.ApiKeys {
		kind := kmsg.RequestForKey(k.ApiKey)
		if kind == nil || kind.MaxVersion() < k.MinVersion {
			continue
		}
		k.MaxVersion = min(k.MaxVersion, kind.MaxVersion())
		known = append(known, k)
	}
	versions.ApiKeys = known
	return answerFrame(r.correlation, versions), nil
}
