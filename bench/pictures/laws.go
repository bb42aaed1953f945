package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// drawAdmission shows what is in time of more than a model can do.
func drawAdmission(data string) (string, error) {
	f, err := read(data, "admission.md")
	if err != nil {
		return "", err
	}
	t, err := f.one("", "late: shed")
	if err != nil {
		return "", err
	}
	ch := chart{"Under overload the model works for events that are in time", "predicted in time ÷ what the model can do, by load ÷ what it can do", f.made(), "bench/data/" + f.name, []string{"late: shed", "late: predict"}}
	all := []curve{{points: t.series("load", "late: shed")}, {points: t.series("load", "late: predict")}}
	if seen, err := measured(data); err != nil {
		return "", err
	} else if len(seen) > 0 {
		ch.names = append(ch.names, "late: shed, processes and brokers (overload.md)")
		all = append(all, curve{points: seen, apart: true})
	}
	return ch.curves(plane{x: "load ÷ capacity", logX: true, goal: 1, goalText: "all that the model can do"}, all), nil
}

// measured are the parts of the campaign of that name that were in time, where it was run.
func measured(data string) ([]point, error) {
	f, err := read(data, "overload.md")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []point
	for _, t := range f.under("", "… ÷ capacity") {
		all = append(all, t.series("load", "… ÷ capacity")...)
	}
	return all, err
}

// regimes are the loads of p4 with the beginnings of their heading and of the line
// above their table.
var regimes = []struct{ name, heading, above string }{
	{"4 ms + 0.1 ms n, 100/s", "P4:", "100/s"}, {"… 1,000/s", "P4:", "1000/s"}, {"… 2,000/s", "P4:", "2000/s"},
	{"… 4,000/s", "P4:", "4000/s"}, {"… 6,000/s", "P4:", "6000/s"},
	{"20 ms + 0.5 ms n, 1,000/s", "P4-SLOW:", "1000/s"}, {"free, 1,000/s", "P4-FREE:", "1000/s"},
}

// drawBatching shows p99 of one configuration in every regime.
func drawBatching(data string) (string, error) {
	f, err := read(data, "p4.md", "p4-virtual.md")
	if err != nil {
		return "", err
	}
	names := []string{"betimes", "reference", "bento"}
	last := 0
	var all []category
	for _, r := range regimes {
		one := category{name: r.name}
		for _, t := range f.under(r.heading, "p99") {
			if !strings.HasPrefix(t.above, r.above) {
				continue
			}
			for i, name := range names {
				if v, ok := t.at(name, "p99"); ok {
					one.values = append(one.values, make([]*value, i-len(one.values)+1)...)
					one.values[i] = &v
					last = max(last, i)
				}
			}
		}
		if len(one.values) > 0 {
			all = append(all, one)
		}
	}
	if len(all) == 0 {
		return "", fmt.Errorf("%s has no p99 of any regime", f.name)
	}
	for i := range all {
		all[i].values = append(all[i].values, make([]*value, last+1-len(all[i].values))...)
	}
	ch := chart{"One configuration for every model and every load", "p99 in ms, a model of 2 executors; reference: it is told how many there are", f.made(), "bench/data/" + f.name, names[:last+1]}
	return ch.dots(all, "ms"), nil
}

// drawBatchSize shows that calls grow with what waits.
func drawBatchSize(data string) (string, error) {
	f, err := read(data, "batch-size.md")
	if err != nil {
		return "", err
	}
	t, err := f.one("", "events per call")
	if err != nil {
		return "", err
	}
	ch := chart{"Calls are as large as what waits makes them", "events that share a call, by events a second; a model of 2 executors, 4 ms + 0.1 ms an event", f.made(), "bench/data/" + f.name, []string{"events per call"}}
	return ch.curves(plane{x: "events a second", logX: true}, []curve{{points: t.series("load", "events per call")}}), nil
}

// drawExecutors shows how the number of calls at once is found.
func drawExecutors(data string) (string, error) {
	return followed(data, "executors.md", chart{title: "How many calls at once are worth while is found by trying", under: "calls at once that betimes makes, and executors that the model has; while events wait"}, "calls at once", "executors")
}

// drawLimit shows how the limit of an endpoint is found.
func drawLimit(data string) (string, error) {
	return followed(data, "limit.md", chart{title: "How many calls an endpoint takes is learned from what it refuses", under: "calls at once that betimes makes, and that the endpoint takes, which changes unannounced"}, "calls at once", "the endpoint takes")
}

// followed draws something learned with what is to be learned.
func followed(data, name string, ch chart, learned, hidden string) (string, error) {
	f, err := read(data, name)
	if err != nil {
		return "", err
	}
	t, err := f.one("", learned)
	if err != nil {
		return "", err
	}
	ch.source, ch.data, ch.names = f.made(), "bench/data/"+f.name, []string{learned, hidden}
	return ch.curves(plane{x: "seconds"}, []curve{{points: t.series("seconds", learned), steps: true}, {points: t.series("seconds", hidden), steps: true, dashed: true}}), nil
}

// drawEndpoints shows p99 with one slow endpoint of ten.
func drawEndpoints(data string) (string, error) {
	return balanced(data, "l1", "p99", chart{title: "One of ten endpoints is ten times slower", under: "p99 in ms at 500 calls a second; 6 to 10 ms a call, four at once"},
		"betimes, none slow", "betimes", "nginx least_conn", "nginx random two", "haproxy leastconn", "haproxy random(2)", "nginx round robin")
}

// drawSecondCalls shows p99.9 with calls that stall.
func drawSecondCalls(data string) (string, error) {
	const hedged = "betimes, hedge p95 3%"
	ch := chart{title: "One call of a hundred takes 100 ms longer", under: "p99.9 in ms at 400 calls a second"}
	f, err := read(data, "l2.md")
	if err != nil {
		return "", err
	}
	if t, err := f.one("l2", "calls/event"); err == nil {
		if v, ok := t.at(hedged, "calls/event"); ok {
			ch.under += fmt.Sprintf("; %s %% of the calls are made a second time", short(100*(v.median-1)))
		}
	}
	return balanced(data, "l2", "p99.9", ch, hedged, "betimes", "nginx least_conn", "haproxy leastconn")
}

// balanced draws a column of a scenario of bench/balancers.
func balanced(data, scenario, column string, ch chart, rows ...string) (string, error) {
	f, err := read(data, scenario+".md")
	if err != nil {
		return "", err
	}
	t, err := f.one(scenario, column)
	if err != nil {
		return "", err
	}
	ch.source, ch.data = f.made(), "bench/data/"+f.name
	all := pick(t, column, rows...)
	if len(all) == 0 {
		return "", fmt.Errorf("%s has no %s of any system", f.name, column)
	}
	return ch.bars(all, "ms"), nil
}
