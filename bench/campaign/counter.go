package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// counter sums the samples of a counter that a role shows.
func counter(address, name string) (int, error) {
	answer, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	sum, found := 0.0, false
	lines := bufio.NewScanner(io.LimitReader(answer.Body, 8<<20))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") {
			continue
		}
		n, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s: %w", name, err)
		}
		sum, found = sum+n, true
	}
	if !found {
		return 0, fmt.Errorf("%s/metrics has no %s", address, name)
	}
	return int(sum), lines.Err()
}
