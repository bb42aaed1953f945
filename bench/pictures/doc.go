// Command pictures draws the pictures of docs from the tables in bench/data.
//
//	bench/data/*.md ─► tables ─► a picture per law ─► docs/pictures/*.svg
//
// A data file is what a measurement printed: `go run ./bench`, `go run
// ./bench/balancers`, `make campaign`, `betimes load`, or the laws in virtual time
// (bench/laws). When there are newer figures only the file changes, and
//
//	make pictures
//
// draws anew. A picture reads well on a light and on a dark page, and says which file
// it is of. What a table does not hold is left out, and nothing is made up.
package main
