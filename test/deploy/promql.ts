import { parser } from "@prometheus-io/lezer-promql";

/** The metrics that a query reads. @throws if it is none */
export function metricsIn(query: string): readonly string[] {
  // What Grafana puts in before it asks.
  const asked = query.replaceAll("$__rate_interval", "5m").replaceAll(/"\$\w+"/g, '".*"');
  const metrics: string[] = [];
  parser.parse(asked).iterate({
    enter({ name, type, from, to }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${asked}`);
      if (name === "VectorSelector") metrics.push(/^[a-zA-Z_:][\w:]*/.exec(asked.slice(from, to))![0]);
    },
  });
  return metrics;
}
