import type { Metric } from "prom-client";
import type { DurationCounts } from "../../time/duration-histogram.ts";
import type { ProcessView } from "./process-view.ts";

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Some series of one name. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly series: Series;
}

/** Read from the view when somebody scrapes. */
type Series =
  | { readonly type: "counter" | "gauge"; readonly samples: (view: ProcessView) => readonly Sample[] }
  | { readonly type: "histogram"; readonly durations: (view: ProcessView) => readonly Durations[] };

export interface Durations {
  readonly labels: Labels;
  readonly durations: DurationCounts;
}

interface PrintedSample extends Sample {
  readonly metricName: string;
}

/** What a registry of prom-client prints; its own classes would have to be told of every change. */
export const asMetric = (family: MetricFamily, view: () => ProcessView): Metric => {
  const { name, help, series } = family;
  const metric = {
    ...{ name, help },
    get: () => ({ ...{ name, help, type: series.type, aggregator: "sum" }, values: valuesOf(name, series, view()) }),
  };
  return metric as unknown as Metric;
};

const valuesOf = (name: string, series: Series, view: ProcessView): readonly PrintedSample[] =>
  series.type === "histogram"
    ? series.durations(view).flatMap((each) => histogramOf(name, each))
    : series.samples(view).map((sample) => ({ ...sample, metricName: name }));

function histogramOf(name: string, { labels, durations }: Durations): readonly PrintedSample[] {
  let count = 0;
  const buckets = durations.counts.map((own, bucket) => {
    count += own;
    const boundMs = durations.boundsMs[bucket];
    const le = boundMs === undefined ? "+Inf" : boundMs / 1_000;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: durations.sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
