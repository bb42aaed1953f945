// The Java client against any brokers: java -cp "lib/*" Interop.java BOOTSTRAP
// creates and describes a topic, writes it, and reads it in a classic group and
// in a KIP-848 group. It prints one line per step and ends with 1 on the first
// surprise.

import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

public class Interop {
    static final String TOPIC = "java-things";
    static final int PARTITIONS = 4, RECORDS = 1000;

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        try (Admin admin = Admin.create(properties(bootstrap))) {
            create(admin);
            describe(admin);
            produce(bootstrap);
            consume(bootstrap, "java-classic", "classic");
            consume(bootstrap, "java-consumer", "consumer");
            groups(admin);
        }
        System.exit(0);
    }

    static Properties properties(String bootstrap) {
        Properties p = new Properties();
        p.put("bootstrap.servers", bootstrap);
        p.put("request.timeout.ms", "10000");
        p.put("default.api.timeout.ms", "20000");
        return p;
    }

    static void create(Admin admin) throws Exception {
        NewTopic topic = new NewTopic(TOPIC, PARTITIONS, (short) 3).configs(Map.of("retention.ms", "3600000"));
        admin.createTopics(List.of(topic)).all().get(20, TimeUnit.SECONDS);
        System.out.println("created " + TOPIC);
    }

    static void describe(Admin admin) throws Exception {
        TopicDescription d = admin.describeTopics(List.of(TOPIC)).allTopicNames().get(20, TimeUnit.SECONDS).get(TOPIC);
        check(d.partitions().size() == PARTITIONS, "partitions: " + d.partitions().size());
        check(admin.listTopics().names().get(20, TimeUnit.SECONDS).contains(TOPIC), "the topic is not listed");
        int brokers = admin.describeCluster().nodes().get(20, TimeUnit.SECONDS).size();
        check(brokers == 3, "brokers: " + brokers);
        System.out.println("described " + TOPIC + ", brokers " + brokers);
    }

    static void produce(String bootstrap) throws Exception {
        Properties p = properties(bootstrap);
        p.put("acks", "all");
        p.put("compression.type", "gzip");
        try (Producer<String, String> producer = new KafkaProducer<>(p, new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < RECORDS; i++) {
                ProducerRecord<String, String> r = new ProducerRecord<>(TOPIC, "k" + i % 13, "v" + i);
                r.headers().add("content-type", "text/plain".getBytes());
                producer.send(r);
            }
            producer.flush();
        }
        System.out.println("produced " + RECORDS);
    }

    static void consume(String bootstrap, String group, String protocol) {
        Properties p = properties(bootstrap);
        p.put("group.id", group);
        p.put("group.protocol", protocol);
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        Map<String, Integer> last = new HashMap<>();
        int count = 0;
        long until = System.nanoTime() + 30_000_000_000L;
        try (Consumer<String, String> consumer = new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(TOPIC));
            while (count < RECORDS && System.nanoTime() < until) {
                for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) {
                    int n = Integer.parseInt(r.value().substring(1));
                    check(last.getOrDefault(r.key(), -1) < n, group + ": out of order at " + r);
                    last.put(r.key(), n);
                    count++;
                }
            }
            consumer.commitSync();
        }
        check(count == RECORDS, group + ": consumed " + count);
        System.out.println("consumed " + count + " as " + protocol);
    }

    static void groups(Admin admin) throws Exception {
        for (String group : List.of("java-classic", "java-consumer")) {
            long sum = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get(20, TimeUnit.SECONDS)
                .values().stream().mapToLong(OffsetAndMetadata::offset).sum();
            check(sum == RECORDS, group + ": committed " + sum);
        }
        System.out.println("committed by both groups");
    }

    static void check(boolean ok, String surprise) {
        if (!ok) {
            System.err.println(surprise);
            System.exit(1);
        }
    }
}
