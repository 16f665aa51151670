import { defineConfig } from "vitest/config";
import { SlowFirst } from "./test/setup/slow-first.ts";

const conditions = ["mulgil-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["{runtime,schemas,state,scripts,jobs,bench,test}/**/*.test.ts"],
    pool: "forks",
    // One more than the two cores that it is meant for: tests of brokers and processes wait half of their time.
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    testTimeout: 30_000,
    setupFiles: ["./test/setup/property-seed.ts"],
    expect: { poll: { timeout: 20_000 } },
  },
});
