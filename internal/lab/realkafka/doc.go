// Package realkafka starts real Apache Kafka brokers from the jars of Maven
// Central: a process each, so that a test can kill or stop one, or several in one
// Java machine. They may ask for encryption and a login. Only tests use it, and
// only with the build tag interop: without the tag it is empty, so that the quick
// tests need nothing but Go.
//
// Upstream: tests of kafka and app. Downstream: a Java development kit, Maven
// (once), the folder BETIMES_CACHE (default: betimes in the user's cache folder),
// and the kafka door, which tells when a broker knows all others.
//
// Invariants:
//   - Nothing is left behind: brokers end with the test, also with one that was
//     killed, and their data is thrown away, then or by the next test.
//   - A broker that was killed comes back to its ports and its data.
//   - What is missing on the machine fails the test with the line that installs it.
//   - Maven runs only for jars that the cache has not; several tests at once wait.
package realkafka
