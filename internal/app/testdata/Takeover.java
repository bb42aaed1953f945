// A consumer of somebody else: java -cp "lib/*" Takeover.java BOOTSTRAP TOPIC GROUP PROTOCOL N
// reads in a group until it has processed N records at least, or all there are
// when N is 0, commits them and leaves. It prints topic:partition:offset of each.

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class Takeover {
    public static void main(String[] args) {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("group.id", args[2]);
        p.put("group.protocol", args[3]);
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        p.put("max.poll.records", "50");
        int n = Integer.parseInt(args[4]), done = 0;
        long until = System.nanoTime() + 240_000_000_000L;
        StringBuilder all = new StringBuilder();
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.subscribe(List.of(args[1]));
            while (!(n > 0 ? done >= n : atEnd(consumer)) && System.nanoTime() < until) {
                for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
                    all.append(r.topic()).append(':').append(r.partition()).append(':').append(r.offset()).append('\n');
                    done++;
                }
                consumer.commitSync();
            }
        }
        System.out.print(all);
    }

    static boolean atEnd(KafkaConsumer<byte[], byte[]> consumer) {
        Map<TopicPartition, Long> ends = consumer.endOffsets(consumer.assignment());
        return !ends.isEmpty() && ends.entrySet().stream().allMatch(e -> consumer.position(e.getKey()) >= e.getValue());
    }
}
