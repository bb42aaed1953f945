// Command campaign runs the long counts, one campaign at a time: what takes too
// long for a test, and what a test's small numbers cannot show.
//
//	kills    kill -9 of up under load at random moments, with a quick and a slow model; then of gateway and streams whose brokers live on; then of streams whose model is on three servers in trouble
//	backlog  a stream attached to a topic of records that are an hour old
//	sustain  500 events/s for a minute: losses, latency, the sum of the stages, memory
//	start    time until up is ready, first with training, then again
//	climit   how many calls at once an endpoint takes is changed under load, without a word
//	fuzz     every fuzz target of the repository
//	drains   SIGTERM of stream and gateway with 50 events in flight and more
//	storm    members of a group that join, leave and crash every two seconds
//	failover brokers of three that are killed under load: who leads partitions, coordinates the group, leads the controllers; of real Kafka only
//	hostile  5,000 inputs that are meant to harm, beside good events
//	memory   10 GB of backlog of 1 MB events, of real Kafka only unless -on says other
//	failpoints  kill -9 of gateway and stream at every failpoint of the code
//	faults   what gateway and streams say to brokers is lost, late, twice, refused, spoilt; processes are killed, stopped, starved
//	emulator  starts, memory, invocations and lists of the emulator
//	emulator-kills  kill -9 of the emulator while users work with every service of it
//	skew     skewed keys over 12 partitions and four streams: what each gets, and whether the hot key is named
//	brokers  the delivery tests, a row each; on brokers of your own with SEEDS or CLUSTER
//
// Each starts the betimes binary in folders and on ports of its own, prints one
// row per run and a verdict, and ends with 1 when the verdict is a failure. The
// counting is by a ledger and readers of its own, which share nothing with the
// process under test but Kafka's protocol.
//
// The campaigns that name brokers run on embedded ones and on real Apache Kafka
// (-on), or on those of SEEDS.
//
//	go run -tags interop ./bench/campaign -seed 1 kills
package main
