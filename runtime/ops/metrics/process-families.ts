import type { MetricFamily } from "./metric-family.ts";

export const processFamilies: readonly MetricFamily[] = [
  {
    name: "mulgil_build_info",
    help: "1; the labels say what runs",
    labels: ["version", "node"],
    series: {
      type: "gauge",
      samples: ({ mulgilVersion }) => [{ labels: { version: mulgilVersion, node: process.version }, value: 1 }],
    },
  },
  {
    name: "mulgil_ready",
    help: "1 when GET /readyz answers 200",
    labels: [],
    series: { type: "gauge", samples: ({ isReady }) => [{ labels: {}, value: Number(isReady) }] },
  },
  {
    name: "mulgil_http_refused_logins_total",
    help: "Requests to this interface whose token was missing, wrong or of too low a role",
    labels: ["reason"],
    series: {
      type: "counter",
      samples: ({ refusedLogins }) => Array.from(refusedLogins, ([reason, value]) => ({ labels: { reason }, value })),
    },
  },
  {
    name: "mulgil_log_request_errors_total",
    help: "Requests to Kafka that were tried again, or given up, by what is wrong",
    labels: ["outcome", "kind"],
    series: {
      type: "counter",
      samples: ({ logTroubles }) =>
        logTroubles.map(({ outcome, kind, count }) => ({ labels: { outcome, kind }, value: count })),
    },
  },
];
