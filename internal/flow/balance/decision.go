package balance

import (
	"strconv"
	"time"

	"betimes/internal/model"
)

const room = "balance"

// decided writes on the events which endpoint of several was chosen, why, and how
// long the others were predicted to take: "fraud-b", "fastest,fraud-a=9.1ms".
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
		if o.took >= unknown {
			text = append(text, '?')
			continue
		}
		text = strconv.AppendFloat(text, float64(o.took)/float64(time.Millisecond), 'f', 1, 64)
		text = append(text, "ms"...)
	}
	return string(text)
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
