// Package scaling is Application Auto Scaling for the variants of endpoints: its
// policies and schedules really change how many instances there are.
//
//	policy ──► alarms of metrics ──ALARM──► Trigger ──► how many? ──► control.Resize
//	schedule ── each minute ──────────────────────────► min, max ───┘      │
//	activity ◄───────── Pending → InProgress → Successful ◄──────── instances there
//
// Upstream: the router; alarms of metrics trigger policies.
// Downstream: metrics for the alarms of target tracking; control for capacity; the store.
//
// Invariants: capacity stays within the target's bounds. Control is never asked
// with the lock held, because control asks back. Times are the emulator's.
package scaling
