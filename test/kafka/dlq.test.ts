import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withLog } from "../../scripts/environment/open-log.ts";
import type { RunningKafka } from "../../scripts/kafka/start-kafka.ts";
import { type RunningRegistry, startRegistry } from "../../scripts/kafka/start-registry.ts";
import { FetchesProject } from "../cli/support/fetches-project.ts";
import { temporaryFolder } from "../cli/support/mulgil.ts";
import { OrdersProject } from "../cli/support/orders-project.ts";
import { expectRedriveStory } from "../cli/support/redrive-story.ts";
import { expectWaitingStory } from "../cli/support/waiting-story.ts";
import { canStartKafka, canStartRegistry, startTestKafka } from "./broker-for-tests.ts";

const isPossible = (await canStartKafka()) && (await canStartRegistry());
const confirmed = ["--yes", "--why", "a test"] as const;

describe.skipIf(!isPossible)("dead letters, and what waits, on Kafka", () => {
  let kafka: RunningKafka;
  let registry: RunningRegistry;
  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(path.join(tmpdir(), "mulgil-dlq-"));
    kafka = await startTestKafka({});
    registry = await startRegistry({ dir: path.join(home, "registry") });
  }, 300_000);
  afterAll(async () => {
    await registry?.stop();
    await kafka?.stop();
    await rm(home, { recursive: true, force: true });
  }, 60_000);

  const where = () => ["--kafka", kafka.bootstrap, "--registry", registry.url];

  it("go back each once, 23,000 of three kinds, mended, while the job runs, also when a redrive is killed half-way; what is purged is gone", {
    timeout: 600_000,
  }, async () => {
    const location = { kafka: kafka.bootstrap, registry: registry.url, dataDir: temporaryFolder() };
    const project = new OrdersProject({
      where: where(),
      withLog: (use) => withLog(location, use),
    });
    await expectRedriveStory(project);

    await project.dlq("purge", "bookings", "--code", "DAY", ...confirmed);
    expect((await project.groups()).map(({ code }) => code)).toEqual(["AMOUNT", "VALUE_NOT_FRAMED"]);
    await project.dlq("purge", "bookings", ...confirmed);
    expect(await project.dlq("ls")).toBe("no dead letters\n");
  });

  it(
    "are made of what waits in tiers when somebody orders it; what is released is called for, in order",
    {
      timeout: 400_000,
    },
    () => expectWaitingStory(new FetchesProject(where())),
  );
});
