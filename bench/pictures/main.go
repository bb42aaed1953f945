package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	data := flag.String("data", "bench/data", "folder of the tables")
	out := flag.String("out", "docs/pictures", "folder of the pictures")
	flag.Parse()
	if err := write(*data, *out); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// write draws every picture.
func write(data, out string) error {
	for _, p := range pictures() {
		svg, err := p.draw(data)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err := os.WriteFile(filepath.Join(out, p.name+".svg"), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return nil
}
