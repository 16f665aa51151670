import { describe, expect, it } from "vitest";
import type { CallClass } from "../../../resilience/resource-report.ts";
import type { InstitutionOverview } from "../../circuits-overview.ts";
import { diagnose } from "../diagnose.ts";
import {
  factsOf,
  head,
  input,
  inputsOf,
  jobFacts,
  MOVING,
  member,
  memberStatus,
  NOW_MS,
  plan,
  TOPICS,
  task,
  taskStatus,
  topicOf,
  turns,
  worker,
} from "../facts.fixture.ts";
import type { DeadLetterGroup, DiskFacts, Facts, JobFacts, OpenTransactionFacts, SubjectFacts } from "../facts.ts";
import type { Severity } from "../finding.ts";

const HOUR_MS = 3_600_000;
const members = [member("a", 1), member("b", 2)] as const;
const both = [
  worker(members[0], [taskStatus("events_0", 0)]),
  worker(members[1], [taskStatus("events_1", 1)]),
] as const;

type Case = readonly [
  what: string,
  facts: Facts,
  found: readonly (readonly [severity: Severity, what: RegExp, evidence?: RegExp])[],
];

const of = (change: Parameters<typeof jobFacts>[0], facts: Partial<Facts> = {}): Facts =>
  factsOf([jobFacts(change)], facts);
const topics = (...changed: readonly ReturnType<typeof topicOf>[]): Facts["topics"] =>
  new Map([...TOPICS, ...changed].map((each) => [each.topic, each]));

const disk = (freeBytes: number, change: Partial<DiskFacts> = {}): DiskFacts => ({
  ...{ host: undefined, path: "/data", freeBytes, totalBytes: 100e9, usedBytes: 2e9, shrinksPerSecond: undefined },
  ...change,
});

const letters = (change: Partial<DeadLetterGroup> = {}): DeadLetterGroup => ({
  ...{ code: "RECORD_FAILED", step: "enrich", topic: "events", count: 12, lately: 12 },
  ...{ firstMs: NOW_MS - 300_000, lastMs: NOW_MS - 1_000, example: { partition: 1, offset: 7 } },
  ...change,
});

const subject = (change: Partial<SubjectFacts> = {}): SubjectFacts => ({
  ...{ topic: "events", subject: "events-value", planned: "Event", jobs: ["totals"] },
  ...{ latest: { version: 2, name: "Event" }, newerUnreadable: [], olderUnreadable: [] },
  ...change,
});
const registry = (change: Partial<Facts["registry"]>): Facts["registry"] => ({
  ...{ where: "http://registry", problem: undefined, subjects: [] },
  ...change,
});

const transaction = (change: Partial<OpenTransactionFacts> = {}): OpenTransactionFacts => ({
  ...{ topic: "events", partition: 1, firstOffset: 40, producerId: 7, transactionalId: "import" },
  ...{ startedAtMs: NOW_MS - 60_000, heldForMs: 0, heldBack: 12 },
  ...change,
});

const calls = (change: Partial<Record<CallClass, number>>) => ({
  ...{ done: 0, error: 0, timeout: 0, throttled: 0, rejected: 0, dead: 0, wait: 0 },
  ...change,
});
const institution = (change: Partial<InstitutionOverview> = {}): InstitutionOverview => ({
  ...{ job: "totals", step: "collect", resource: "bank07", circuit: "closed", override: undefined, untilMs: undefined },
  ...{ workers: 1, inFlight: 0, queued: 0, limit: 5, windowMs: 60_000, calls: calls({ done: 50 }), latency: undefined },
  refused: { "circuit-open": 0, closed: 0, "held-off": 0, "queue-full": 0, "rate-limited": 0, "opened-by-hand": 0 },
  ...{ waiting: 0, oldestWaitingSinceMs: undefined },
  ...change,
});

/** The first task, as its worker tells it, with lag behind it. */
const first = (change: Parameters<typeof taskStatus>[2], lag = 4): Partial<JobFacts> & { overviewChange: object } => ({
  workers: [worker(members[0], [taskStatus("events_0", 0, change)]), both[1]],
  overviewChange: { tasks: [task(0, "a", lag), task(1, "b")] },
});
const commits = (offsets: readonly number[], lag: number, agoMs = 0) => ({
  inputs: [
    { topic: "events", partition: 0, position: 5, committed: 5, endOffset: 9, commits: turns(offsets, lag, agoMs) },
  ],
});
const forSchema = (problem: { code: string; message: string }) => ({
  ...{ kind: "schema" as const, sinceMs: NOW_MS - HOUR_MS, step: undefined, record },
  schema: { id: 7, problem },
});
const record = { topic: "events", partition: 0, offset: 17, timestampMs: NOW_MS - 120_000, keyHash: "1f0c22aa" };

const cases: Readonly<Record<string, readonly Case[]>> = {
  nothing: [["is wrong with a job that keeps up", of({}), []]],
  disk: [
    ["has room", of({}, { disks: [disk(20e9)] }), []],
    [
      "is nearly full",
      of({}, { disks: [disk(9e9)] }),
      [["warning", /disk of \/data is nearly full/, /9\.0 GB of 100 GB/]],
    ],
    ["is full", of({}, { disks: [disk(0)] }), [["error", /disk of \/data is full/, /Mulgil has 2\.0 GB there/]]],
    [
      "of another machine fills up",
      of({}, { disks: [disk(9e9, { host: "box-2", shrinksPerSecond: 1e6 })] }),
      [["warning", /\/data on box-2/, /1\.0 MB less every second: full in 3h/]],
    ],
  ],
  permissions: [
    [
      "are missing",
      of({}, { failures: [{ what: "describe the topics", code: "LOG_NOT_AUTHORIZED", message: "no" }] }),
      [["error", /^it is not allowed to describe the topics$/, /no \[LOG_NOT_AUTHORIZED\]/]],
    ],
    [
      "are not why something failed",
      of({}, { failures: [{ what: "open the log", code: "LOG_UNREACHABLE", message: "away" }] }),
      [["error", /^could not open the log$/]],
    ],
  ],
  registry: [
    [
      "does not answer, and stops a task",
      of(first({ work: forSchema({ code: "REGISTRY_UNREACHABLE", message: "refused" }) }, 0), {
        registry: registry({ problem: { what: "read", code: "REGISTRY_UNREACHABLE", message: "away" } }),
      }),
      [
        [
          "error",
          /^the schema registry http:\/\/registry does not answer/,
          /away \[REGISTRY_UNREACHABLE\].*totals events_0 waits for schema 7 since 1h, which events\/0 offset 17 needs: refused \[REG/s,
        ],
      ],
    ],
    [
      "answers, but not the workers",
      of(first({ work: forSchema({ code: "REGISTRY_NOT_AUTHORIZED", message: "who are you?" }) }, 0), {
        registry: registry({}),
      }),
      [
        [
          "error",
          /^1 task of totals waits for the schema registry http:\/\/registry, which answers here$/,
          /who are you\?/,
        ],
      ],
    ],
    [
      "is not named",
      of(
        {},
        { registry: registry({ problem: { what: "read", code: "REGISTRY_MISSING", message: "no schema registry" } }) },
      ),
      [["note", /^no schema registry is named/]],
    ],
    [
      "lacks a subject",
      of({}, { registry: registry({ subjects: [subject({ latest: undefined })] }) }),
      [["warning", /no schema of topic "events" \(subject "events-value"\)/]],
    ],
  ],
  schemas: [
    [
      "break: records that the job cannot read",
      of(
        { deadLetters: [letters({ code: "SCHEMA_INCOMPATIBLE" })] },
        { registry: registry({ subjects: [subject({ newerUnreadable: ["Event.amount: is missing"] })] }) },
      ),
      [
        [
          "error",
          /cannot read records of topic "events"/,
          /version 2 breaks with the one before: Event\.amount: is missing/,
        ],
      ],
    ],
    [
      "will break for who is not upgraded",
      of({}, { registry: registry({ subjects: [subject({ newerUnreadable: ["Event.amount: is missing"] })] }) }),
      [["warning", /version 2 of "events-value" cannot be read by who has the version before/]],
    ],
    [
      "cannot read the past",
      of({}, { registry: registry({ subjects: [subject({ olderUnreadable: ["version 1, Event.day: is new"] })] }) }),
      [["warning", /version 2 of "events-value" cannot read what earlier versions wrote/]],
    ],
  ],
  topics: [
    [
      "are missing",
      of({}, { topics: new Map(TOPICS.slice(1).map((each) => [each.topic, each])) }),
      [["error", /^topic "events" does not exist$/, /as source/]],
    ],
    [
      "were changed",
      of({}, { topics: topics(topicOf("totals.totals.changelog", 2)) }),
      [
        [
          "error",
          /"totals\.totals\.changelog" is not configured as its job made it/,
          /clean-up is "delete".*"compact"/,
        ],
      ],
    ],
    [
      "keep records for less than the job needs",
      of(
        {},
        {
          topics: topics(
            topicOf("totals.dlq", 1, { config: { cleanupPolicy: "delete", retentionMs: 1_000, deleteRetentionMs: 1 } }),
          ),
        },
      ),
      [["error", /"totals\.dlq" is not configured/, /keeps records for 1s, the job needs 17m/]],
    ],
    [
      "of others are configured as these like",
      of(
        {},
        {
          topics: topics(
            topicOf("events", 2, { config: { cleanupPolicy: "compact", retentionMs: 5, deleteRetentionMs: 1 } }),
          ),
        },
      ),
      [],
    ],
  ],
  "partition-counts": [
    [
      "have changed",
      of({}, { topics: topics(topicOf("events", 3)) }),
      [["error", /"totals\.totals\.changelog" has 2 partitions, but "events" 3/]],
    ],
    [
      "of what is read together differ",
      factsOf(
        [
          jobFacts({
            plan: plan({ subTopologies: [{ name: "joined", sources: ["events", "people"], nodes: [], stores: [] }] }),
          }),
        ],
        { topics: topics(topicOf("people", 3)) },
      ),
      [["error", /that "joined" reads together have different numbers/, /"people" has 3/]],
    ],
  ],
  replication: [
    ...(
      [
        [{ copies: 3, inSync: 3, inSyncMin: 2, withoutLeader: [] }, []],
        [
          { copies: 1, inSync: 1, inSyncMin: 1, withoutLeader: [] },
          [["warning", /one copy: .*events/, /events: copies 1, in sync 1/]],
        ],
        [{ copies: 3, inSync: 2, inSyncMin: 2, withoutLeader: [] }, [["warning", /not in sync/]]],
        [
          { copies: 3, inSync: 1, inSyncMin: 2, withoutLeader: [] },
          [["error", /fewer copies in sync than min\.insync/]],
        ],
        [{ copies: 2, inSync: 2, inSyncMin: 2, withoutLeader: [] }, [["warning", /no broker may be away/]]],
        [
          { copies: 3, inSync: 0, inSyncMin: 2, withoutLeader: [1] },
          [["error", /without a leader/, /no leader for 1/]],
        ],
      ] as const
    ).map(
      ([replication, found]): Case => [
        JSON.stringify(replication),
        of({}, { topics: topics(topicOf("events", 2, { replication })) }),
        found,
      ],
    ),
    [
      "of topics that no job uses",
      of(
        {},
        {
          topics: topics(
            topicOf("other", 1, { replication: { copies: 1, inSync: 1, inSyncMin: 1, withoutLeader: [] } }),
          ),
        },
      ),
      [],
    ],
  ],
  workers: [
    ...(
      [
        [{ isAlive: false, problem: "connect ECONNREFUSED 127.0.0.1:1" }, "error", /is lost: box, process 1 is gone/],
        [
          { isAlive: undefined, problem: "connect ECONNREFUSED 10.0.0.1:1" },
          "error",
          /is lost: box, process 1 is gone/,
        ],
        [
          { isAlive: true, problem: "no answer within 2 s" },
          "error",
          /hangs: box, process 1 is there and does not answer/,
        ],
        [{ isAlive: undefined, problem: "it listens on box for box only" }, "warning", /does not answer from here/],
      ] as const
    ).map(
      ([change, severity, what]): Case => [
        `with ${change.problem}`,
        of({ workers: [worker(members[0], [], { ...change, status: undefined }), both[1]] }),
        [[severity, what, /it has events_0/]],
      ],
    ),
  ],
  owners: [
    [
      "are missing for one task",
      of({ overviewChange: { tasks: [task(0, "a"), task(1, undefined, 7)] } }),
      [["error", /nobody owns events\/1, though job "totals" has 2 workers/, /events\/1 has a lag of 7/]],
    ],
    [
      "are missing for all",
      of({ workers: [], overviewChange: { group: "empty", members: [], tasks: [task(0, undefined, 7)] } }),
      [["error", /nobody runs job "totals", and 7 records wait for it/]],
    ],
    [
      "are not needed",
      of({ workers: [], overviewChange: { group: "empty", members: [], tasks: [task(0, undefined, 0)] } }),
      [],
    ],
    [
      "are being found",
      of({ workers: [], overviewChange: { group: "rebalancing" } }),
      [["note", /are dividing its tasks/]],
    ],
  ],
  troubles: [
    [
      "that come again",
      of(first({ trouble: { code: "STATE_CORRUPTED", message: "bad block", restarts: 3, atMs: NOW_MS - 5_000 } }, 0)),
      [["error", /events_0 of job "totals" had to start again 3 times: STATE_CORRUPTED/, /bad block/]],
    ],
    [
      "that came once",
      of(first({ trouble: { code: "LOG_UNREACHABLE", message: "away", restarts: 1, atMs: NOW_MS - 5_000 } }, 0)),
      [["warning", /1 time: LOG_UNREACHABLE/]],
    ],
    ["of long ago", of(first({ trouble: { code: "X", message: "", restarts: 9, atMs: NOW_MS - HOUR_MS } }, 0)), []],
  ],
  stuck: [
    [
      "by a function",
      of(first({ work: { kind: "record", sinceMs: NOW_MS - 40_000, step: "enrich", record } })),
      [
        [
          "error",
          /held for 40s by the function of step "enrich", which has not ended for events\/0 offset 17/,
          /2m old, key #1f0c22aa/,
        ],
      ],
    ],
    [
      "by a timer",
      of(first({ work: { kind: "timer", sinceMs: NOW_MS - 40_000, step: "remind", record: undefined } })),
      [["error", /by a timer of step "remind" that has not ended/, /4 records wait behind it/]],
    ],
    ["by nothing yet", of(first({ work: { kind: "record", sinceMs: NOW_MS - 5_000, step: "enrich", record } })), []],
    [
      "by a call",
      of(
        first({
          calls: { underWay: 3, oldest: { step: "collect", institution: "bank07", sinceMs: NOW_MS - 20_000, record } },
        }),
      ),
      [["warning", /a call of job "totals" to bank07 has not ended for 20s/, /3 records of the task are taken up/]],
    ],
  ],
  transactions: [
    [
      "that are long",
      of({ transactions: [transaction()] }),
      [["error", /open in events\/1 for 1m: nothing behind it can be read/, /"import" \(producer 7\)/]],
    ],
    ["that are young", of({ transactions: [transaction({ startedAtMs: NOW_MS - 2_000 })] }), []],
    [
      "of nobody that is known, seen for a while",
      of({
        transactions: [
          transaction({ startedAtMs: undefined, transactionalId: undefined, producerId: -1, heldForMs: 5_000 }),
        ],
      }),
      [["error", /for at least 5s/, /the log does not say whose it is/]],
    ],
    [
      "of nobody that is known, seen once",
      of({ transactions: [transaction({ startedAtMs: undefined, transactionalId: undefined, heldForMs: 0 })] }),
      [],
    ],
  ],
  institutions: [
    ["that answer", of({ institutions: [institution()] }), []],
    [
      "that are dead",
      of({
        institutions: [
          institution({
            ...{ circuit: "open", untilMs: NOW_MS + 34_000, calls: calls({ error: 9, timeout: 1 }) },
            ...{ waiting: 120, oldestWaitingSinceMs: NOW_MS - 720_000 },
          }),
        ],
      }),
      [
        [
          "error",
          /bank07 is dead to step "collect" of job "totals": its circuit is open; it is tried again in 34s/,
          /120 records wait for it, the oldest for 12m/,
        ],
      ],
    ],
    [
      "that answer badly",
      of({ institutions: [institution({ calls: calls({ done: 30, throttled: 20 }) })] }),
      [["warning", /bank07 answers badly/, /20 of the last 50 calls failed \(40%\): throttled 20/]],
    ],
    [
      "that somebody has switched off",
      of({
        institutions: [
          institution({ override: { state: "open", by: "ana@box", why: "announced", atMs: NOW_MS - 60_000 } }),
        ],
      }),
      [["warning", /^ana@box has switched the calls of "collect" to bank07 off$/, /1m ago: announced/]],
    ],
  ],
  "dead-letters": [
    [
      "in a burst",
      of({ deadLetters: [letters()] }),
      [["error", /a burst of dead letters: 12 with RECORD_FAILED at step "enrich"/, /one is events\/1 offset 7/]],
    ],
    [
      "as ever",
      of({ deadLetters: [letters({ count: 60, lately: 11 })] }),
      [["warning", /had 60 dead letters with RECORD_FAILED/]],
    ],
    ["that are few", of({ deadLetters: [letters({ count: 2, lately: 2 })] }), [["warning", /had 2 dead letters/]]],
  ],
  retention: [
    ...(
      [
        ["is far away", 0.5, []],
        ["comes closer", 0.8, [["warning", /about to pass the job's position in events\/0: its records go in 12m/]]],
        [
          "is about to pass",
          0.95,
          [
            [
              "error",
              /about to pass the job's position in events\/0: its records go in 3m/,
              /keeps records for 1h, the one at offset 5 is 57m old/,
            ],
          ],
        ],
        ["has passed", 1.5, [["error", /retention has passed the job's position/]]],
      ] as const
    ).map(
      ([what, share, found]): Case => [
        what,
        of(
          {
            ...first(commits(MOVING, 0)),
            inputs: inputsOf([input(0, 4, { head: head({ timestampMs: NOW_MS - share * HOUR_MS }) }), input(1)]),
          },
          {
            topics: topics(
              topicOf("events", 2, { config: { cleanupPolicy: "delete", retentionMs: HOUR_MS, deleteRetentionMs: 1 } }),
            ),
          },
        ),
        found,
      ],
    ),
    [
      "has removed what was to be read",
      of({ inputs: inputsOf([input(0, 0, { startOffset: 25 }), input(1)]) }),
      [["error", /begins behind the job's position: 20 offsets were removed/]],
    ],
  ],
  "hot-key": [
    ...(
      [
        [
          "fills a partition",
          90,
          100,
          [["warning", /key #1f0c22aa is 90% of what waits there/, /100% of the lag of 2 partitions/]],
        ],
        ["is one of many", 30, 100, []],
        ["cannot be told from so few", 10, 10, []],
      ] as const
    ).map(
      ([what, records, all, found]): Case => [
        what,
        of({
          ...first(commits(MOVING, 0)),
          inputs: inputsOf([
            input(0, 4, { head: head({ sample: { records: all, mostFrequent: { keyHash: "1f0c22aa", records } } }) }),
            input(1),
          ]),
        }),
        found,
      ],
    ),
  ],
  positions: [
    [
      "stalled",
      of(first(commits([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], 4))),
      [["error", /events\/0 of job "totals" is stalled/, /position 5, end 9, lag 4/]],
    ],
    ["stopped", of(first(commits(MOVING, 4, 30_000))), [["error", /has stopped/, /the last one 30s ago/]]],
    ["rewound", of(first(commits([90, 91, 3, 4, 5], 4))), [["error", /has been rewound/, /90, 91, 3, 4, 5/]]],
    ["behind", of(first(commits(MOVING, 4))), [["warning", /falls behind/]]],
    [
      "set by others",
      of({ ...first({}), inputs: inputsOf([input(0, 4, { setBy: "others" }), input(1)]) }),
      [["error", /in events\/0 was set to 5 by hand/]],
    ],
    [
      "set by others before the task began",
      of(first({ inputs: [{ ...commits(MOVING, 0).inputs[0]!, setByOthers: 2 }] }, 0)),
      [["note", /was set to 2 by hand/, /its position is 5 now/]],
    ],
  ],
  standbys: [
    [
      "are missing",
      factsOf([jobFacts({ plan: plan({ standbys: 1 }) })]),
      [["warning", /asks for 1 standby copy of each task's state, and 2 tasks have fewer/, /events_0, events_1/]],
    ],
    [
      "are there",
      factsOf([
        jobFacts({
          plan: plan({ standbys: 1 }),
          workers: [
            {
              ...both[0],
              status: memberStatus("a", [taskStatus("events_0", 0)], { copies: [{ task: "events_1", lag: 0 }] }),
            },
            {
              ...both[1],
              status: memberStatus("b", [taskStatus("events_1", 1)], { copies: [{ task: "events_0", lag: 0 }] }),
            },
          ],
        }),
      ]),
      [],
    ],
  ],
  versions: [
    [
      "are mixed",
      of({ overviewChange: { members: [members[0], member("b", 2, { plan: { version: 3, hash: "bbbbbbbbbbbb" } })] } }),
      [["warning", /carry 2 different plans/, /version 3 \(plan bbbbbbbb\): 1 worker, box, process 2/]],
    ],
  ],
  clocks: [
    [
      "ahead",
      of({ workers: [{ ...both[0], aheadMs: 90_000 }, both[1]] }),
      [["error", /the clock of box, process 1 is 2m ahead of the one here/]],
    ],
    ["behind", of({ workers: [{ ...both[0], aheadMs: -5_000 }, both[1]] }), [["warning", /is 5s behind the one here/]]],
    ["alike", of({ workers: [{ ...both[0], aheadMs: 300 }, both[1]] }), []],
  ],
  log: [
    ...(
      [
        [{ isEncrypted: true, sasl: "plain", isLocal: false }, []],
        [{ isEncrypted: false, sasl: undefined, isLocal: true }, []],
        [
          { isEncrypted: false, sasl: undefined, isLocal: false },
          [["warning", /not encrypted/, /nobody is asked who he is/]],
        ],
        [{ isEncrypted: false, sasl: "plain", isLocal: false }, [["error", /plain sends the secret as it is/]]],
        [
          { isEncrypted: false, sasl: "scram-sha-512", isLocal: false },
          [["warning", /^the connection to Kafka is not encrypted$/]],
        ],
      ] as const
    ).map(
      ([security, found]): Case => [
        JSON.stringify(security),
        of({}, { log: { kind: "kafka", where: "broker:9092", security } }),
        found,
      ],
    ),
  ],
  pauses: [
    [
      "are not forgotten, and nothing else is said of lag",
      of({ ...first(commits([5, 5, 5, 5, 5, 5, 5, 5, 5, 5], 4)), isPaused: true }),
      [["note", /job "totals" is paused, and 4 records wait for it/]],
    ],
  ],
};

/** Failures are told under another name. */
const NAMES: Readonly<Record<string, readonly string[]>> = { permissions: ["permissions", "access"] };

describe.each(Object.entries(cases))("%s", (check, table) => {
  it.each(table)("%s", (_, facts, expected) => {
    const found = diagnose(facts);
    expect(found.map(({ severity, what }) => [severity, what])).toEqual(
      expected.map(([severity, what]) => [severity, expect.stringMatching(what)]),
    );
    for (const [index, finding] of found.entries()) {
      expect(NAMES[check] ?? [check]).toContain(finding.check);
      expect(finding.todo).not.toBe("");
      const evidence = expected[index]![2];
      if (evidence !== undefined) expect(finding.evidence.join("\n")).toMatch(evidence);
    }
  });
});
