import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.kafka.tools.AclCommand;

/** Runs Kafka's own tool with the arguments in each line of a file, between tabs: one JVM for all of them. It ends the JVM where it refuses one. */
class AclCommands {
  public static void main(String[] args) throws Exception {
    for (String line : Files.readAllLines(Path.of(args[0]))) AclCommand.main(line.split("\t"));
  }
}
