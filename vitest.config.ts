import { defineConfig } from "vitest/config";

const conditions = ["mulgil-source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["{runtime,schemas,state,scripts,jobs,bench,test}/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 30_000,
    setupFiles: ["./test/setup/property-seed.ts"],
    expect: { poll: { timeout: 20_000 } },
  },
});
