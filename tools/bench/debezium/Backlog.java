import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Reads the backlog of a slot with the embedded engine of Debezium, counts changed rows and keeps none, then prints a line
 * of JSON with what it took. Arguments: URL, slot, publication, rows, and a file for offsets that does not exist.
 *
 * Records are those of Kafka Connect, not yet made text of, and queues are larger than by default: it is the fastest way.
 */
public final class Backlog {
  private static final long LIMIT_SECONDS = 30 * 60;

  private final long rows;
  private final AtomicLong count = new AtomicLong();
  private final AtomicReference<String> failure = new AtomicReference<>();
  private final CountDownLatch done = new CountDownLatch(1);

  private Backlog(long rows) {
    this.rows = rows;
  }

  public static void main(String[] args) throws Exception {
    Backlog backlog = new Backlog(Long.parseLong(args[3]));
    long started = System.nanoTime();
    DebeziumEngine<RecordChangeEvent<SourceRecord>> engine = backlog.engine(properties(args));
    ExecutorService executor = Executors.newSingleThreadExecutor();
    executor.execute(engine);
    boolean ended = backlog.done.await(LIMIT_SECONDS, TimeUnit.SECONDS);
    double seconds = (System.nanoTime() - started) / 1e9;
    double cpu = ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO).toNanos() / 1e9;
    String told = String.format(
        Locale.ROOT,
        "{\"rows\":%d,\"seconds\":%.3f,\"cpuSeconds\":%.3f,\"peakBytes\":%d}",
        backlog.count.get(), seconds, cpu, peakBytes());
    engine.close();
    executor.shutdown();
    executor.awaitTermination(20, TimeUnit.SECONDS);
    if (!ended || backlog.failure.get() != null) {
      System.err.println(backlog.failure.get() == null ? "the end of the backlog did not come" : backlog.failure.get());
      System.exit(1);
    }
    System.out.println(told);
    System.exit(0);
  }

  private DebeziumEngine<RecordChangeEvent<SourceRecord>> engine(Properties properties) {
    return DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
        .using(properties)
        .using((success, message, error) -> {
          if (!success) failure.compareAndSet(null, message + ": " + error);
          done.countDown();
        })
        .notifying(this::take)
        .build();
  }

  private void take(
      List<RecordChangeEvent<SourceRecord>> records,
      DebeziumEngine.RecordCommitter<RecordChangeEvent<SourceRecord>> committer) throws InterruptedException {
    long changes = 0;
    for (RecordChangeEvent<SourceRecord> event : records) {
      if (isChange(event.record().value())) changes++;
      committer.markProcessed(event);
    }
    committer.markBatchFinished();
    if (count.addAndGet(changes) >= rows) done.countDown();
  }

  /** A heartbeat has no operation, a logical message has `m`. */
  private static boolean isChange(Object value) {
    return value instanceof Struct struct && struct.schema().field("op") != null && !"m".equals(struct.getString("op"));
  }

  private static Properties properties(String[] args) {
    URI url = URI.create(args[0]);
    String[] user = url.getUserInfo().split(":", 2);
    Properties properties = new Properties();
    properties.setProperty("name", "bench");
    properties.setProperty("connector.class", "io.debezium.connector.postgresql.PostgresConnector");
    properties.setProperty("offset.storage", "org.apache.kafka.connect.storage.FileOffsetBackingStore");
    properties.setProperty("offset.storage.file.filename", args[4]);
    properties.setProperty("offset.flush.interval.ms", "1000");
    properties.setProperty("database.hostname", url.getHost());
    properties.setProperty("database.port", String.valueOf(url.getPort()));
    properties.setProperty("database.user", user[0]);
    properties.setProperty("database.password", user.length > 1 ? user[1] : "");
    properties.setProperty("database.dbname", url.getPath().substring(1));
    properties.setProperty("topic.prefix", "bench");
    properties.setProperty("plugin.name", "pgoutput");
    properties.setProperty("slot.name", args[1]);
    properties.setProperty("publication.name", args[2]);
    properties.setProperty("publication.autocreate.mode", "disabled");
    properties.setProperty("snapshot.mode", "no_data");
    properties.setProperty("tombstones.on.delete", "false");
    properties.setProperty("max.batch.size", "16384");
    properties.setProperty("max.queue.size", "65536");
    properties.setProperty("poll.interval.ms", "10");
    return properties;
  }

  /** The most memory that this process had resident; 0 where /proc does not tell. */
  private static long peakBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM:")) return Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
    }
    return 0;
  }
}
