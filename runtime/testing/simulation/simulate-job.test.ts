import { count, defineJob, sum } from "mulgil";
import { simulateJob } from "mulgil/testing";
import { describe, expect, it } from "vitest";
import { Decimal } from "../../../schemas/decimal.ts";
import { payments, totals } from "../../dsl/payments.fixture.ts";

const job = defineJob({
  name: "simulated",
  version: 1,
  commitEvery: "200 ms",
  flow(from) {
    from(payments)
      .keyBy((payment) => payment.id)
      .aggregate("byId", { count: count(), total: sum((payment) => payment.amount, { scale: 2 }) })
      .to(totals);
  },
});
const values = Array.from({ length: 40 }, (_, n) => ({
  id: `p${n % 5}`,
  customerId: `c${n % 7}`,
  amount: Decimal.of("0.10"),
  points: 1,
  paidAt: n,
}));

describe("simulateJob", () => {
  it("ends in the right results under any seed", async () => {
    for (let seed = 0; seed < 20; seed++) {
      await simulateJob(job, {
        seed,
        inputs: [{ topic: payments, values }],
        async check(outputs) {
          const last = new Map((await outputs.read(totals)).map(({ key, value }) => [key, value.count]));
          expect(last).toEqual(new Map(["p0", "p1", "p2", "p3", "p4"].map((id) => [id, 8])));
        },
      });
    }
  });

  it("says the seed and the last steps when the results are wrong", async () => {
    const wrong = simulateJob(job, {
      seed: 7,
      inputs: [{ topic: payments, values }],
      check: async () => {
        throw new Error("not what was expected");
      },
    });
    await expect(wrong).rejects.toThrow(
      /^seed 7: not what was expected\n {2}rerun: simulateJob\(job, \{ seed: 7, … \}\)\n {2}last steps:/,
    );
  });
});
