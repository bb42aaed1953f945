# A consumer of somebody else that stays: beside.py BOOTSTRAP TOPIC GROUP STRATEGY
# reads in a group until its standard input ends, commits and leaves. It prints
# topic:partition:offset of each record, once that is committed.
import logging
import sys
import threading

from kafka import KafkaConsumer
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
bootstrap, topic, group, strategy = sys.argv[1:]
strategies = {
    "range": {"partition_assignment_strategy": [RangePartitionAssignor]},
    "roundrobin": {"partition_assignment_strategy": [RoundRobinPartitionAssignor]},
    "default": {},
}
consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, max_poll_records=50, metadata_max_age_ms=3000, **strategies[strategy])
consumer.partitions_for_topic(topic)  # a leader that joins before it knows them assigns nothing, for as long as metadata are kept
consumer.subscribe([topic])
left = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), left.set()), daemon=True).start()
while not left.is_set():
    done = [r for records in consumer.poll(timeout_ms=200).values() for r in records]
    if done:
        consumer.commit()
        print(*(f"{r.topic}:{r.partition}:{r.offset}" for r in done), sep="\n", flush=True)
consumer.close(autocommit=False)
