// Package signature checks Signature Version 4 as AWS does: in the header, in
// presigned URLs and in the chunks of an upload.
//
// It shares no code with the signer of the sagemaker door on purpose: each finds
// the mistakes of the other.
//
// Upstream: the emulator's router; objects for chunks.
// Downstream: reply for what is said of a request that is refused.
//
// Invariants: a body is never given out as verified before its end was. Times are
// compared with the machine's clock, not the emulator's: clients know only that.
package signature
