// Package house keeps the architecture: its tests check that imports go down
// the floors, that vendor libraries stay behind their one door and that
// docs/map.md equals the tree.
package house
