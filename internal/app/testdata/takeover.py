# A consumer of somebody else: takeover.py BOOTSTRAP TOPIC GROUP N reads in a
# group until it has processed N records at least, or all there are when N is 0,
# commits them and leaves. It prints topic:partition:offset of each.
import sys
import time

from kafka import KafkaConsumer

bootstrap, topic, group, n = sys.argv[1:]
n = int(n)
consumer = KafkaConsumer(bootstrap_servers=bootstrap.split(","), group_id=group,
                         auto_offset_reset="earliest", enable_auto_commit=False, max_poll_records=50)
consumer.partitions_for_topic(topic)  # a leader that joins before it knows them assigns nothing
consumer.subscribe([topic])


def at_end():
    ends = consumer.end_offsets(list(consumer.assignment()))
    return ends and all(consumer.position(p) >= end for p, end in ends.items())


done, until = 0, time.monotonic() + 240
while not (done >= n if n else at_end()) and time.monotonic() < until:
    for records in consumer.poll(timeout_ms=200).values():
        for r in records:
            print(f"{r.topic}:{r.partition}:{r.offset}")
            done += 1
    consumer.commit()
consumer.close(autocommit=False)
