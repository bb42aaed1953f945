// Package failpoint is where a process can be made to die between two steps.
//
// Upstream: gateway, stream and the kafka door name the moment between two steps
// with Reach, in one line with the reason. Downstream: nothing.
//
//	failpoint.Reach("stream.commit.before") // finished, not committed
//
// Without the build tag failpoints Reach is empty and the compiler leaves nothing
// of it, not even the name. With the tag, the environment says what happens:
//
//	BETIMES_FAILPOINT=NAME:ACTION[:NTH],…   at the NTH time (default 1) that NAME is reached
//	BETIMES_FAILPOINT_LOG=FILE              each name is written there when it is first reached
//
// ACTION is kill (SIGKILL to itself), exit (code 3, nothing is tidied up), stop
// (SIGSTOP to itself), delay=DURATION, or error, which only Fail returns.
//
// Invariants: names are unique, and all of them are in docs/failpoints.md. Nothing
// after a point runs in the goroutine that was killed there.
package failpoint
