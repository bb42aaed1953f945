import java.util.HashMap;
import java.util.Map;

/** Settings are the Kafka clients' own, the same for both peers. Nothing waits that need not. */
final class Settings {
    private Settings() {}

    static Map<String, Object> consumer() {
        Map<String, Object> s = new HashMap<>();
        s.put("auto.offset.reset", "latest");
        s.put("fetch.min.bytes", 1);
        s.put("fetch.max.wait.ms", 500);
        s.put("max.poll.records", 500);
        return s;
    }

    static Map<String, Object> producer() {
        Map<String, Object> s = new HashMap<>();
        s.put("acks", "all");
        s.put("enable.idempotence", true);
        s.put("max.in.flight.requests.per.connection", 5);
        s.put("linger.ms", 0);
        s.put("batch.size", 1 << 20);
        s.put("compression.type", "none");
        return s;
    }
}
