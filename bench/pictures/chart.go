package main

import (
	"fmt"
	"strings"
)

// chart is what every picture has.
type chart struct {
	title, under string   // under: what the figures are, in small
	source, data string   // what was measured, and the file that holds it
	names        []string // of the series, for the key
}

const (
	wide    = 720.0
	margin  = 20.0
	head    = 78.0 // title, what the figures are, key
	foot    = 30.0
	perName = 7.6 // about, of a character
)

// begin draws the head and the source.
func (ch chart) begin(height float64) *canvas {
	c := &canvas{width: wide, height: height}
	c.text(margin, 27, "title", "start", ch.title)
	c.text(margin, 46, "soft", "start", ch.under)
	x := margin
	for i, name := range ch.names {
		c.rect(x, 57, 14, 8, class(i, "fill"))
		c.text(x+19, 65, "soft", "start", name)
		x += 19 + perName*float64(len(name)) + 14
	}
	c.text(margin, height-11, "tick", "start", ch.source)
	c.text(wide-margin, height-11, "tick", "end", ch.data)
	return c
}

func class(series int, more string) string { return fmt.Sprintf("c%d %s", series%5, more) }

// category is one row of bars or dots: a figure for each series; nil: none.
type category struct {
	name   string
	values []*value
}

// bars draws categories as bars, one below the other, from zero on.
func (ch chart) bars(all []category, unit string) string {
	const row, left = 30.0, 190.0
	thick := row - 12
	height := head + row*float64(len(all)) + 26 + foot
	c := ch.begin(height)
	a := linear(most(all), left, wide-96)
	c.horizontal(a, head, head+row*float64(len(all)))
	c.rows(all, row, left, func(one category, n int, v value, y float64) {
		each := thick / float64(len(one.values))
		top := y + 6 + each*float64(n)
		c.rect(a.at(0), top, a.at(v.median)-a.at(0), each-1, class(n+shift(one), "fill"))
		c.ranged(a, v, top+each/2, class(n, "range"))
		if len(one.values) == 1 {
			c.text(a.at(v.most)+8, y+row/2+4, "strong", "start", short(v.median)+" "+unit)
		}
	})
	return c.svg(ch.title, ch.describe(all, unit))
}

// shift gives what is not betimes another colour where there is one series.
func shift(one category) int {
	if len(one.values) == 1 && !strings.HasPrefix(one.name, "betimes") {
		return 2
	}
	return 0
}

// dots draws categories as dots with their range on an axis of powers.
func (ch chart) dots(all []category, unit string) string {
	const row, left = 32.0, 190.0
	height := head + row*float64(len(all)) + 26 + foot
	c := ch.begin(height)
	a := logarithmic(least(all), most(all), left, wide-40)
	c.horizontal(a, head, head+row*float64(len(all)))
	c.rows(all, row, left, func(one category, n int, v value, y float64) {
		at := y + row/2 + 6*(float64(n)-float64(len(one.values)-1)/2)
		c.ranged(a, v, at, class(n, "range"))
		c.dot(a.at(v.median), at, 5, class(n, "fill"))
	})
	return c.svg(ch.title, ch.describe(all, unit))
}

// rows names each category to the left of its row, and draws its figures from the row's
// top on.
func (c *canvas) rows(all []category, row, left float64, draw func(one category, n int, v value, top float64)) {
	for i, one := range all {
		top := head + row*float64(i)
		c.text(left-10, top+row/2+4, "", "end", one.name)
		for n, v := range one.values {
			if v != nil {
				draw(one, n, *v, top)
			}
		}
	}
}

// ranged draws the range of a figure, where it has one.
func (c *canvas) ranged(a axis, v value, y float64, class string) {
	if v.least < v.most {
		c.line(a.at(v.least), y, a.at(v.most), y, class)
	}
}

// horizontal draws an axis below rows.
func (c *canvas) horizontal(a axis, top, bottom float64) {
	for _, v := range a.ticks() {
		c.line(a.at(v), top, a.at(v), bottom, "grid")
		c.text(a.at(v), bottom+17, "tick", "middle", short(v))
	}
	c.line(a.from, bottom, a.to, bottom, "axis")
}

func most(all []category) float64 {
	high := 0.0
	for _, one := range all {
		for _, v := range one.values {
			if v != nil {
				high = max(high, v.most)
			}
		}
	}
	return high
}

func least(all []category) float64 {
	low := most(all)
	for _, one := range all {
		for _, v := range one.values {
			if v != nil && v.least > 0 {
				low = min(low, v.least)
			}
		}
	}
	return low
}

// describe says in words what the picture shows.
func (ch chart) describe(all []category, unit string) string {
	var parts []string
	for _, one := range all {
		text := one.name + ":"
		for n, v := range one.values {
			switch {
			case v == nil:
			case len(one.values) == 1:
				text += fmt.Sprintf(" %s %s", short(v.median), unit)
			default:
				text += fmt.Sprintf(" %s %s %s;", ch.names[n], short(v.median), unit)
			}
		}
		parts = append(parts, strings.TrimSuffix(text, ";"))
	}
	return ch.under + ". " + strings.Join(parts, ". ")
}
