//go:build interop

package kafka_test

import (
	"testing"

	"betimes/internal/lab/realkafka"
)

// TestInteropTheDoor runs the door's tests once more, on three real brokers.
func TestInteropTheDoor(t *testing.T) {
	real = realkafka.Start(t, realkafka.Config{Brokers: 3, Properties: map[string]string{
		// KIP-848 hands partitions over from one heartbeat to the next: 5 s by default. What
		// the members here ask for is more than the most, so that the broker's own holds.
		"group.consumer.heartbeat.interval.ms":     "500",
		"group.consumer.min.heartbeat.interval.ms": "500",
		"group.consumer.max.heartbeat.interval.ms": "500",
		"group.share.min.record.lock.duration.ms":  "1000",
		"group.share.record.lock.duration.ms":      "5000",
		"group.share.min.heartbeat.interval.ms":    "500",
		"group.share.heartbeat.interval.ms":        "500",
	}}).Addrs()
	for name, body := range map[string]func(*testing.T){
		"records come back as written":                     TestRecordsComeBackAsWritten,
		"one key stays in one partition in order":          TestOneKeyStaysInOnePartitionInOrder,
		"a tail begins where it says":                      TestTailBeginsWhereItSays,
		"brokers and offsets are listed":                   TestBrokersAndOffsetsAreListed,
		"members share a topic and hand it over":           TestMembersShareATopicAndHandItOver,
		"a static member comes back to its partitions":     TestAStaticMemberComesBackToItsPartitions,
		"a member that shares no protocol says what to do": TestAMemberThatSharesNoProtocolWithItsGroupSaysWhatToDo,
		"latest skips nothing that comes after the join":   TestLatestSkipsNothingThatComesAfterTheJoin,
		"gone records halt their partition and are told":   TestGoneRecordsHaltTheirPartitionAndAreTold,
		"what a share member has not accepted comes again": TestWhatAShareMemberHasNotAcceptedComesAgain,
		"a lock is renewed while an event is in work":      TestALockIsRenewedWhileAnEventIsInWork,
		"paused partitions wait":                           TestPausedPartitionsWait,
		"the newer of two with one name stays":             TestTheNewerOfTwoWithOneNameStays,
		"an event is written with its headers":             TestAnEventIsWrittenWithItsHeaders,
		"writes fail with their reason":                    TestWritesFailWithTheirReason,
		"the largest event becomes a dead letter":          TestTheLargestEventBecomesADeadLetterWithAllItsBytes,
		"small batches, one record too large":              TestATopicThatTakesSmallBatchesRefusesOnlyTheRecordThatIsTooLarge,
		"smaller batches than before":                      TestATopicThatTakesSmallerBatchesThanBeforeRefusesOnlyTheRecordThatIsTooLarge,
		"smaller batches while records are written":        TestWhatIsWrittenWhileATopicBeginsToTakeSmallerBatchesIsThereOnce,
		"small batches in a transaction":                   TestOfATransactionATopicThatTakesSmallBatchesRefusesOnlyTheRecordThatIsTooLarge,
		"a log shows what transactions leave":              TestALogShowsWhatTransactionsLeave,
		"a transaction is seen whole or not at all":        TestATransactionIsSeenWithItsOffsetsOrNotAtAll,
		"who takes a transactional id fences the other":    TestWhoTakesATransactionalIDKeepsTheOneBeforeFromWriting,
		"offsets of an old seat are refused":               TestOffsetsOfASeatThatTheGroupHasGoneBeyondAreRefused,
		"aborted records are not read":                     TestReadersOfMuchSeeNothingThatWasAborted,
		"topics are created, checked and never changed":    TestTopicsAreCreatedCheckedAndNeverChanged,
	} {
		t.Run(name, body)
	}
}

// TestInteropTheDoorBeforeTransactionVersion2 runs on a broker of its own, whose
// features are changed.
func TestInteropTheDoorBeforeTransactionVersion2(t *testing.T) {
	real = realkafka.Start(t, realkafka.Config{Brokers: 1}).Addrs()
	t.Run("warned", TestBrokersWithoutTransactionVersion2DoTransactionsAndAreWarnedOf)
}
