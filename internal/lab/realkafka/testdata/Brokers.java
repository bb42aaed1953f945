// Several Kafka brokers in one Java machine: java -cp "lib/*" Brokers FILE...
// with a server.properties for each. They end with SIGTERM.

import java.io.FileInputStream;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;

public class Brokers {
    public static void main(String[] files) throws Exception {
        for (String file : files) {
            KafkaRaftServer server = new KafkaRaftServer(KafkaConfig.fromProps(read(file), false), Time.SYSTEM);
            Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown));
            // Each waits at its start for a quorum, hence for the others.
            new Thread(() -> start(server, file)).start();
        }
    }

    static void start(KafkaRaftServer server, String file) {
        try {
            server.startup();
        } catch (Throwable t) {
            System.err.println(file);
            t.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    static Properties read(String file) throws Exception {
        Properties p = new Properties();
        try (FileInputStream in = new FileInputStream(file)) {
            p.load(in);
        }
        return p;
    }
}
