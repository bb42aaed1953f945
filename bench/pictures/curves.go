package main

import (
	"fmt"
	"slices"
)

// curve is figures over others.
type curve struct {
	points []point
	dashed bool // something given, not found
	steps  bool // it stays until the next point
	apart  bool // points that are no curve
}

// plane is how curves are drawn.
type plane struct {
	x        string  // what is on the axis below
	logX     bool    // by powers
	goal     float64 // a line across; 0: none
	goalText string
}

// curves draws a plane.
func (ch chart) curves(p plane, all []curve) string {
	const tall, left = 230.0, 62.0
	c := ch.begin(head + tall + 46 + foot)
	bottom := head + tall
	var mostX, mostY, leastX float64
	leastX = all[0].points[0].x
	for _, one := range all {
		for _, at := range one.points {
			mostX, mostY, leastX = max(mostX, at.x), max(mostY, at.y), min(leastX, at.x)
		}
	}
	x := axis{leastX, mostX, left, wide - 24, p.logX}
	if !p.logX {
		x.least = 0
	}
	y := linear(max(mostY, p.goal), bottom, head+8)
	c.frame(p, x, y)
	for i, one := range slices.Backward(all) { // what is first lies above
		if !one.apart {
			c.path(placed(one, x, y), class(i, "line")+dashes(one))
		}
		for _, at := range one.points {
			switch {
			case one.apart:
				c.dot(x.at(at.x), y.at(at.y), 5.5, class(i, "fill"))
			case len(one.points) < 24 && !one.dashed:
				c.dot(x.at(at.x), y.at(at.y), 3.5, class(i, "fill"))
			}
		}
	}
	if p.goal > 0 {
		c.line(left, y.at(p.goal), wide-24, y.at(p.goal), "goal")
		c.text(wide-28, y.at(p.goal)-6, "goaltext", "end", p.goalText)
	}
	return c.svg(ch.title, ch.under+". "+ch.ends(all))
}

func dashes(one curve) string {
	if one.dashed {
		return " dashed"
	}
	return ""
}

// placed is a curve in places of the picture.
func placed(one curve, x, y axis) []point {
	var all []point
	for i, p := range one.points {
		if one.steps && i > 0 {
			all = append(all, point{x.at(p.x), y.at(one.points[i-1].y)})
		}
		all = append(all, point{x.at(p.x), y.at(p.y)})
	}
	return all
}

// frame draws the axes.
func (c *canvas) frame(p plane, x, y axis) {
	for _, v := range y.ticks() {
		c.line(x.from, y.at(v), x.to, y.at(v), "grid")
		c.text(x.from-8, y.at(v)+4, "tick", "end", short(v))
	}
	for _, v := range x.ticks() {
		c.line(x.at(v), y.from, x.at(v), y.from+4, "axis")
		c.text(x.at(v), y.from+18, "tick", "middle", short(v))
	}
	c.line(x.from, y.from, x.to, y.from, "axis")
	c.text(x.to, y.from+36, "soft", "end", p.x)
}

// ends says where the curves begin and end.
func (ch chart) ends(all []curve) string {
	text := ""
	for i, one := range all {
		first, last := one.points[0], one.points[len(one.points)-1]
		text += fmt.Sprintf("%s: from %s at %s to %s at %s. ", ch.names[i], short(first.y), short(first.x), short(last.y), short(last.x))
	}
	return text
}
