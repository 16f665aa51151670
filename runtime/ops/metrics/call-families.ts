import type { ResourceMeasures } from "../../resilience/resource-measures.ts";
import { CALL_CLASSES, type CircuitState, REFUSAL_REASONS } from "../../resilience/resource-report.ts";
import { addedDurations } from "../../time/duration-histogram.ts";
import type { JobMeasures } from "../../worker/measures.ts";
import type { Labels, MetricFamily, Sample } from "./metric-family.ts";
import type { ProcessView } from "./process-view.ts";

/** Of a job in one process; what it called first is named, the rest together is "other". */
const RESOURCES_MAX = 200;
const OTHER = "other";

/** From the best to the worst: of several workers in a process the worst counts. */
const STATES: readonly CircuitState[] = ["closed", "halfOpen", "open"];

const INSTITUTION = ["job", "step", "resource"];

export const callFamilies: readonly MetricFamily[] = [
  {
    name: "mulgil_circuits",
    help: "Institutions that this process knows, by the state of their circuit",
    labels: ["job", "step", "state"],
    series: { type: "gauge", samples: ({ jobs }) => jobs.flatMap(circuitsByState) },
  },
  gauge(
    "mulgil_circuit_state",
    "1 for the state that the circuit is in, 0 for the others",
    [...INSTITUTION, "state"],
    ({ circuit }) => STATES.map((state) => [{ state }, Number(circuit === state)]),
  ),
  counter("mulgil_calls_total", "Calls that ended, by how", [...INSTITUTION, "class"], ({ calls }) =>
    CALL_CLASSES.map((name) => [{ class: name }, calls[name]]),
  ),
  counter(
    "mulgil_calls_refused_total",
    "Calls that could not begin, by why",
    [...INSTITUTION, "reason"],
    ({ refused }) => REFUSAL_REASONS.map((reason) => [{ reason }, refused[reason]]),
  ),
  {
    name: "mulgil_call_duration_seconds",
    help: "How long calls took, however they ended",
    labels: INSTITUTION,
    series: {
      type: "histogram",
      durations: (view) => institutionsIn(view).map(({ labels, durations }) => ({ labels, durations })),
    },
  },
  gauge("mulgil_calls_in_flight", "Calls that have begun and not ended", INSTITUTION, ({ inFlight }) => [
    [{}, inFlight],
  ]),
  gauge("mulgil_calls_queued", "Calls that wait in memory for a permit", INSTITUTION, ({ queued }) => [[{}, queued]]),
  gauge("mulgil_calls_limit", "Calls at once, as adapted", INSTITUTION, ({ limit }) => [[{}, limit]]),
  gauge(
    "mulgil_calls_waiting_records",
    "Records that wait for an institution, in tiers or held",
    INSTITUTION,
    ({ waiting }) => [[{}, waiting.records]],
  ),
  gauge(
    "mulgil_calls_waiting_oldest_seconds",
    "Since when the oldest of those waits, to within ten seconds; 0 if none does",
    INSTITUTION,
    ({ waiting }, { nowMs }) => [
      [{}, waiting.oldestSinceMs === undefined ? 0 : Math.max(0, (nowMs - waiting.oldestSinceMs) / 1_000)],
    ],
  ),
];

type Values = (institution: ResourceMeasures, view: ProcessView) => readonly (readonly [Labels, number])[];

function family(
  type: "counter" | "gauge",
  name: string,
  help: string,
  labels: readonly string[],
  of: Values,
): MetricFamily {
  const samples = (view: ProcessView): readonly Sample[] =>
    institutionsIn(view).flatMap(({ labels: own, ...institution }) =>
      of(institution, view).map(([more, value]) => ({ labels: { ...own, ...more }, value })),
    );
  return { name, help, labels, series: { type, samples } };
}

function counter(name: string, help: string, labels: readonly string[], of: Values): MetricFamily {
  return family("counter", name, help, labels, of);
}

function gauge(name: string, help: string, labels: readonly string[], of: Values): MetricFamily {
  return family("gauge", name, help, labels, of);
}

function circuitsByState(job: JobMeasures): readonly Sample[] {
  return [...Map.groupBy(allOf(job), ({ step }) => step)].flatMap(([step, institutions]) =>
    STATES.map((state) => ({
      labels: { job: job.plan.job, step, state },
      value: institutions.filter(({ circuit }) => circuit === state).length,
    })),
  );
}

const institutionsIn = ({ jobs }: ProcessView): readonly (ResourceMeasures & { readonly labels: Labels })[] =>
  jobs.flatMap((job) =>
    bounded(allOf(job)).map((each) => ({
      ...each,
      labels: { job: job.plan.job, step: each.step, resource: each.resource },
    })),
  );

/** Each institution of each step once, over all members of the process. */
const allOf = ({ members }: JobMeasures): readonly ResourceMeasures[] =>
  Map.groupBy(
    members.flatMap(({ resources }) => resources),
    ({ step, resource }) => `${step}\n${resource}`,
  )
    .values()
    .map(merged)
    .toArray();

function bounded(institutions: readonly ResourceMeasures[]): readonly ResourceMeasures[] {
  const others = institutions.slice(RESOURCES_MAX).map((each) => ({ ...each, resource: OTHER }));
  return [
    ...institutions.slice(0, RESOURCES_MAX),
    ...Map.groupBy(others, ({ step }) => step)
      .values()
      .map(merged),
  ];
}

function merged(several: readonly ResourceMeasures[]): ResourceMeasures {
  const [first] = several;
  if (several.length === 1) return first!;
  const sum = (of: (each: ResourceMeasures) => number) => several.reduce((total, each) => total + of(each), 0);
  const since = several.flatMap(({ waiting }) => waiting.oldestSinceMs ?? []);
  return {
    ...{ step: first!.step, resource: first!.resource },
    circuit: STATES.findLast((state) => several.some(({ circuit }) => circuit === state))!,
    calls: sums(CALL_CLASSES, (name) => sum(({ calls }) => calls[name])),
    refused: sums(REFUSAL_REASONS, (name) => sum(({ refused }) => refused[name])),
    durations: addedDurations(several.map(({ durations }) => durations)),
    inFlight: sum(({ inFlight }) => inFlight),
    queued: sum(({ queued }) => queued),
    limit: sum(({ limit }) => limit),
    waiting: {
      records: sum(({ waiting }) => waiting.records),
      oldestSinceMs: since.length === 0 ? undefined : Math.min(...since),
    },
  };
}

const sums = <Name extends string>(names: readonly Name[], of: (name: Name) => number): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, number>;
