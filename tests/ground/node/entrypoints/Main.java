import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

/** A web server of the Java platform: slow to start, and with a heap that follows the limit of its container. */
public class Main {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", exchange -> {
            byte[] body = ("heap " + Runtime.getRuntime().maxMemory() / 1048576 + "\n").getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
