// Package training runs training jobs: it reads the channels from objects, lets
// learn fit a model and puts model.tar.gz where the job wants it.
//
// Upstream: control starts jobs and keeps their states.
// Downstream: objects for data and artefact, learn for the algorithm.
//
// Invariants: the same job on the same data writes the same bytes. The artefact
// is visible only when it is whole. A job writes nothing but its artefact and its log.
package training
