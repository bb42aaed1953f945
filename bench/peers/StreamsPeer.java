import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;

/** StreamsPeer is Kafka Streams with a thread for each of 8 partitions: SEEDS IN OUT GROUP URL [CA]. */
final class StreamsPeer {
    private static final int THREADS = 8;

    /** The partition that this thread works on: records leave to the one of the same number. */
    private static final ThreadLocal<Integer> PARTITION = new ThreadLocal<>();

    private StreamsPeer() {}

    public static void main(String[] args) throws Exception {
        Model model = new Model(args[4], args.length > 5 ? args[5] : null);
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, args[3]);
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, args[0]);
        settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.AT_LEAST_ONCE);
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, THREADS);
        settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 5000);
        settings.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("user.dir"));
        Settings.consumer().forEach((name, value) -> settings.put(StreamsConfig.consumerPrefix(name), value));
        Settings.producer().forEach((name, value) -> settings.put(StreamsConfig.producerPrefix(name), value));
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(args[1], Consumed.with(Serdes.ByteArray(), Serdes.ByteArray()))
                .processValues(() -> new Asking(model))
                .to(args[2], Produced.with(Serdes.ByteArray(), Serdes.ByteArray())
                        .withStreamPartitioner((topic, key, value, partitions) -> Optional.of(Set.of(PARTITION.get()))));
        KafkaStreams streams = new KafkaStreams(builder.build(), settings);
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static final class Asking extends ContextualFixedKeyProcessor<byte[], byte[], byte[]> {
        private final Model model;

        Asking(Model model) {
            this.model = model;
        }

        @Override
        public void process(FixedKeyRecord<byte[], byte[]> record) {
            PARTITION.set(context().recordMetadata().orElseThrow().partition());
            context().forward(record.withValue(model.ask(record.value())));
        }
    }
}
