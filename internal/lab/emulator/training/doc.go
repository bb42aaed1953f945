// Package training runs training jobs: it reads the channels from objects, lets
// learn or a program fit a model and puts model.tar.gz where the job wants it.
//
// A program finds its files in /opt/ml where the machine lets processes have
// mounts of their own, and always by the SM_ variables:
//
//	input/config/*.json  input/data/CHANNEL/  →  program train  →  model/  output/data/  output/failure  checkpoints/
//
// Upstream: control starts jobs and keeps their states.
// Downstream: objects for data and artefact, learn for the algorithm.
//
// Invariants: the same job on the same data writes the same bytes. The artefact
// is visible only when it is whole. A job writes nothing but its artefacts, its
// checkpoints and its log; nothing is read or written outside its folder on
// behalf of a key or of a link. No process of a program's group outlives its job.
package training
