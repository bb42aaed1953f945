import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * Model asks an HTTP server about one record at a time, on the thread that
 * calls: fewer switches on one core than a client with threads of its own.
 * Connections are kept as -Dhttp.maxConnections says.
 */
final class Model {
    private final URL url;
    private final SSLSocketFactory trust; // null: plain HTTP

    /** authority is a PEM file, or null. */
    Model(String url, String authority) throws Exception {
        this.url = URI.create(url).toURL();
        this.trust = authority == null ? null : trusting(authority);
    }

    private static SSLSocketFactory trusting(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(authority)) {
            store.setCertificateEntry("stub", CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        TrustManagerFactory managers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    byte[] ask(byte[] body) {
        try {
            HttpURLConnection call = (HttpURLConnection) url.openConnection();
            if (call instanceof HttpsURLConnection secure) {
                secure.setSSLSocketFactory(trust);
            }
            call.setRequestMethod("POST");
            call.setDoOutput(true);
            call.setConnectTimeout(5000);
            call.setReadTimeout(5000);
            call.setRequestProperty("Content-Type", "application/json");
            call.setFixedLengthStreamingMode(body.length);
            call.getOutputStream().write(body);
            if (call.getResponseCode() != 200) {
                throw new IOException("status " + call.getResponseCode());
            }
            try (InputStream in = call.getInputStream()) {
                return in.readAllBytes();
            }
        } catch (IOException e) {
            throw new RuntimeException(e);
        }
    }
}
