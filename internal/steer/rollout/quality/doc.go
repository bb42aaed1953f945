// Package quality says how good a model's answers were: figures over rows whose
// true answer is known, as numbers, as text and as a picture.
//
// Upstream: rollout, with the answers to rows that were held out of training.
// Downstream: nothing; it only counts.
//
// Invariants: the same rows and scores give the same figures, in any order of
// the rows. A figure that does not exist is absent, never NaN.
package quality
