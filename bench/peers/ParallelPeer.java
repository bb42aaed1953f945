import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** ParallelPeer is Confluent's Parallel Consumer: SEEDS IN OUT GROUP URL [CA]. */
final class ParallelPeer {
    private ParallelPeer() {}

    public static void main(String[] args) throws Exception {
        String out = args[2];
        Model model = new Model(args[4], args.length > 5 ? args[5] : null);
        Map<String, Object> reading = Settings.consumer();
        reading.put("bootstrap.servers", args[0]);
        reading.put("group.id", args[3]);
        reading.put("enable.auto.commit", false); // it commits itself
        Map<String, Object> writing = Settings.producer();
        writing.put("bootstrap.servers", args[0]);
        ParallelConsumerOptions<String, byte[]> options = ParallelConsumerOptions.<String, byte[]>builder()
                .ordering(ProcessingOrder.KEY) // keys are strings: arrays have no equality
                .maxConcurrency(64)
                .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
                .commitInterval(Duration.ofSeconds(5))
                .consumer(new KafkaConsumer<>(reading, new StringDeserializer(), new ByteArrayDeserializer()))
                .producer(new KafkaProducer<>(writing, new StringSerializer(), new ByteArraySerializer()))
                .build();
        ParallelStreamProcessor<String, byte[]> processor = ParallelStreamProcessor.createEosStreamProcessor(options);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> processor.close(Duration.ofSeconds(5), io.confluent.parallelconsumer.internal.DrainingCloseable.DrainingMode.DONT_DRAIN)));
        processor.subscribe(List.of(args[1]));
        processor.pollAndProduce(context -> {
            var in = context.getSingleConsumerRecord();
            return new ProducerRecord<>(out, in.partition(), in.key(), model.ask(in.value()));
        });
    }
}
