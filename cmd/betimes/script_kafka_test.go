package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"betimes/internal/event"
	"betimes/internal/kafka"
)

// cluster is the way to the brokers of $kafka.
func cluster(ts *testscript.TestScript) *kafka.Cluster {
	c, err := kafka.Open(kafka.Config{Seeds: []string{ts.Getenv("kafka")}}, kafka.Deps{
		Log: slog.New(slog.DiscardHandler), Pipeline: "scenario", Instance: "test",
	})
	ts.Check(err)
	return c
}

func records(ts *testscript.TestScript, neg bool, args []string) {
	quoted := len(args) == 3 && args[0] == "-quoted"
	if quoted {
		args = args[1:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: records [-quoted] TOPIC N")
	}
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := cluster(ts)
	defer c.Close()
	tail, err := c.NewTail(ctx, kafka.TailConfig{Topics: args[:1], From: kafka.TailStart()})
	ts.Check(err)
	defer tail.Close()
	var out bytes.Buffer
	for n := 0; n < want || !tail.CaughtUp(); {
		events, err := tail.Poll(ctx)
		if err != nil {
			ts.Fatalf("%d records in %s, want %d: %v\n%s", n, args[0], want, err, out.Bytes())
		}
		n += len(events)
		for _, e := range events {
			if quoted {
				quote(&out, e)
			} else {
				line(&out, e)
			}
		}
	}
	_, _ = ts.Stdout().Write(out.Bytes())
}

// line prints one record.
func line(out *bytes.Buffer, e *event.Event) {
	fmt.Fprintf(out, "key=%s value=%s id=%s type=%s", e.Key, e.Value, e.ID, e.ContentType)
	for _, h := range e.Headers {
		fmt.Fprintf(out, " %s=%s", h.Name, h.Value)
	}
	out.WriteByte('\n')
}

// quote prints one record byte by byte, as Go writes strings.
func quote(out *bytes.Buffer, e *event.Event) {
	fmt.Fprintf(out, "key=%q value=%q", e.Key, e.Value)
	for _, h := range e.Headers {
		fmt.Fprintf(out, " %q=%q", h.Name, h.Value)
	}
	out.WriteByte('\n')
}

func produce(ts *testscript.TestScript, neg bool, args []string) {
	flags := flag.NewFlagSet("produce", flag.ContinueOnError)
	binary := flags.Int("binary", 0, "so many binary records")
	ago := flags.Duration("ago", 0, "age of the records")
	escaped := flags.Bool("escaped", false, "lines and headers are as Go writes strings")
	var headers []event.Header
	flags.Func("header", "NAME=VALUE of every record", func(text string) error {
		name, value, _ := strings.Cut(text, "=")
		headers = append(headers, event.Header{Name: name, Value: []byte(value)})
		return nil
	})
	if err := flags.Parse(args); err != nil || flags.NArg() < 1 || neg {
		ts.Fatalf("usage: produce [-binary N] [-ago AGE] [-escaped] [-header NAME=VALUE]... TOPIC [FILE] (%v)", err)
	}
	var lines []string
	for i := range *binary {
		lines = append(lines, fmt.Sprintf("%d\t\x00\xff\xfe%c", i, i))
	}
	if flags.NArg() > 1 {
		lines = append(lines, strings.Split(strings.TrimSuffix(ts.ReadFile(flags.Arg(1)), "\n"), "\n")...)
	}
	if *escaped {
		for i := range headers {
			headers[i].Name, headers[i].Value = unescape(ts, headers[i].Name), []byte(unescape(ts, string(headers[i].Value)))
		}
		for i := range lines {
			lines[i] = unescape(ts, lines[i])
		}
	}
	c := cluster(ts)
	defer c.Close()
	p, err := c.NewProducer("test")
	ts.Check(err)
	defer p.Close()
	for _, l := range lines {
		r := &kafka.Record{Topic: flags.Arg(0), Partition: kafka.ByKey, Value: []byte(l), Headers: headers, Time: time.Now().Add(-*ago)}
		if key, value, ok := strings.Cut(l, "\t"); ok {
			r.Key, r.Value = []byte(key), []byte(value)
		}
		p.Write(r, func(_ event.Source, werr error) {
			if werr != nil {
				err = werr
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ts.Check(p.Flush(ctx))
	ts.Check(err)
}

// unescape reads text as Go writes strings: \x00, \t.
func unescape(ts *testscript.TestScript, text string) string {
	plain, err := strconv.Unquote(`"` + text + `"`)
	ts.Check(err)
	return plain
}
