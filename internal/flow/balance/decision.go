package balance

import (
	"strconv"
	"time"

	"betimes/internal/model"
)

const room = "balance"

// decided writes on the events which endpoint of several was chosen, why, and how
// long the others were predicted to take: "fraud-b", "fastest,fraud-a=9.1ms". Of one
// that is only asked when those before it cannot be it says "spare"; "new" when
// nothing is known of it, and "?" when what is known is nothing good.
func (p *Picker) decided(items []model.Item, c *call) {
	if c.why == only {
		return
	}
	why := ""
	for i := range items {
		if e := items[i].Event; e != nil {
			if why == "" {
				why = c.reason()
			}
			e.Decisions.Add(room, c.endpoint.target.Endpoint, why)
		}
	}
}

// reason is why the endpoint of a call was chosen, in words.
func (c *call) reason() string {
	text := append(make([]byte, 0, 96), reasons[c.why]...)
	for _, o := range c.others {
		if o.endpoint == nil {
			break
		}
		text = append(append(append(text, ','), o.endpoint.target.Endpoint...), '=')
		text = c.instead(text, o)
	}
	return string(text)
}

// instead appends what was known of an endpoint that was not taken.
func (c *call) instead(text []byte, o prediction) []byte {
	switch {
	case o.endpoint.target.Priority > c.endpoint.target.Priority:
		return append(text, "spare"...)
	case o.took == 0:
		return append(text, "new"...)
	case o.took >= unknown/2:
		return append(text, '?')
	}
	return append(strconv.AppendFloat(text, float64(o.took)/float64(time.Millisecond), 'f', 1, 64), "ms"...)
}

// settled notes how a second call went, if one was made. It runs where the first call ran: the events are its own.
func (p *Picker) settled(items []model.Item, h *hedge, hedged bool, t *tries) {
	result := h.result(hedged)
	if result == "" {
		return
	}
	t.tried |= h.endpoint.bit
	h.endpoint.hedged(result)
	if hedged {
		h.endpoint.answeredBy(h.resp.Version)
	}
	why := h.reason(result)
	for i := range items {
		if e := items[i].Event; e != nil {
			e.Decisions.Add(room, "hedge", why)
		}
	}
}
