/** The direction of dependencies, docs/ARCHITECTURE.md "Folders". A change here is a change of the architecture. */
const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });
const test = "\\.(test|fixture)\\.ts$";
const src = (path) => ({ path, pathNot: test });

module.exports = {
  forbidden: [
    rule(
      "no-cycles",
      "An import cycle means two files are one thing.",
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    ),
    rule(
      "schemas-alone",
      "schemas imports nobody.",
      { path: "^schemas/", pathNot: `${test}|^schemas/types/` },
      { path: "^(state|runtime|jobs|scripts|test|bench)/" },
    ),
    rule("state-on-schemas", "state imports schemas only.", src("^state/"), {
      path: "^(runtime|jobs|scripts|test|bench)/",
    }),
    rule("runtime-below", "runtime imports schemas and state only.", src("^runtime/"), {
      path: "^(jobs|scripts|test|bench)/",
    }),
    rule(
      "jobs-are-users",
      "A job imports the public entry and the types of schemas/, as a user's repository would.",
      src("^jobs/"),
      {
        path: "^(state|scripts|test|bench)/|^runtime/(?!index\\.ts$|testing/index\\.ts$)|^schemas/(?!types/)",
      },
    ),
    rule("dsl-first", "dsl is the bottom of runtime.", src("^runtime/dsl/"), {
      path: "^runtime/(?!dsl/|errors/|time/)",
    }),
    rule("plan-on-dsl", "plan knows dsl, not what runs it.", src("^runtime/plan/"), {
      path: "^runtime/(?!plan/|dsl/|errors/|time/|resilience/read-policy\\.ts$)",
    }),
    rule(
      "resilience-on-dsl",
      "What stands around a call knows the definition's words and its state, and nobody who uses it.",
      src("^runtime/resilience/"),
      {
        path: "^schemas/|^runtime/(?!resilience/|dsl/|errors/|time/|trace/)",
      },
    ),
    rule(
      "operators-see-no-log",
      "Operators and resilience see state and time, never the log or the worker.",
      src("^runtime/(operators|resilience)/"),
      {
        path: "^runtime/(worker|log|ops|testing)/",
      },
    ),
    rule("log-is-below-worker", "The log knows nothing of jobs.", src("^runtime/log/"), {
      path: "^runtime/(?!log/|errors/|time/)",
    }),
    rule(
      "trace-is-below",
      "Traces are known by what lies in headers, and by the words of OpenTelemetry.",
      src("^runtime/trace/"),
      {
        path: "^(schemas|state)/|^runtime/(?!trace/|errors/|time/)",
      },
    ),
    rule("no-barrels-inside", "Public entries are for outsiders.", src("^runtime/"), {
      path: "^runtime/(index|testing/index)\\.ts$",
    }),
    rule(
      "one-kafka-importer",
      "Only the Kafka log imports the Kafka client, the benchmark that measures the client itself, and tests that change rights.",
      { pathNot: "^runtime/log/kafka/|^bench/kafka/bound-kafkajs\\.ts$|^test/kafka/support/access-control\\.ts$" },
      { path: "node_modules/kafkajs" },
    ),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    enhancedResolveOptions: {
      conditionNames: ["mulgil-source", "import", "node", "default"],
      exportsFields: ["exports"],
    },
  },
};
