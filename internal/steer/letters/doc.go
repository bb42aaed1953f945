// Package letters looks after what could not be processed: it lists the dead
// letters of a topic (also quarantine and shed), shows one, sends them back into
// the topic they came from, or lays them aside.
//
//	dead-letters ──▶ Find ──▶ Replay ──▶ events ──▶ stream ──▶ predictions
//	                  ▲         │ acknowledged                └▶ dead-letters, with history
//	                  │         ▼
//	                <name>-state: replayed, dropped
//
// A topic keeps its records until retention removes them: nothing can be taken
// out of it. What was done about a letter is therefore a record of its own in
// the compacted state topic, and an open letter is one without it. It stands
// among the hands that steer because it acts on a running pipeline, on a
// person's word; flow/stream stays the only one that ends an event.
//
// Upstream: the topics that stream writes; a person's command.
// Downstream: the events topic and the state topic, through the kafka door.
//
// Invariants:
//   - A letter counts as replayed when every in-sync replica has its event; it is
//     noted after that. A crash between the two may replay it twice, with the
//     same betimes-id, by which consumers drop duplicates.
//   - What is sent is the original key, value and foreign headers under the
//     original id, in the original partition, in the order of the letters there.
//     Its clock starts anew; how earlier rounds ended travels in betimes-replays.
//   - Copies of one ending (after a crash of a worker) are one letter.
//   - A note names the letter's id and time: it says nothing of a topic made anew.
package letters
