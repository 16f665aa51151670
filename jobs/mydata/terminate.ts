import { defineJob, type Job } from "mulgil";
import { consent, consents } from "../../schemas/types/mydata/consent.ts";
import { erasures } from "../../schemas/types/mydata/erasure.ts";
import { erasureReceipts } from "../../schemas/types/mydata/erasure-receipt.ts";
import { receiptOf } from "./erasure-receipt.ts";
import { type TopicAge, topicAges } from "./topic-ages.ts";

/**
 * Ends what no other job ends when a customer leaves, and says by when the last of his bytes is gone. The topic of consents forgets him, unless he has consented
 * anew; what the withdrawal from one institution changes in it is written by whoever keeps consents.
 */
export const terminate = (ages: readonly TopicAge[]): Job =>
  defineJob({
    name: "terminate",
    version: 1,
    commitEvery: "200 ms",
    flow(from) {
      const orders = from(erasures);
      orders.map((order) => receiptOf(order, ages)).to(erasureReceipts);
      orders
        .filter(({ scope, keepsConsent }) => scope === "customer" && !keepsConsent)
        .process("forget-consents", {
          output: consent,
          onRecord: (_order, { emitTombstone, wallClockMs }) => emitTombstone({ timestampMs: wallClockMs }),
        })
        .to(consents);
    },
  });

export default terminate(topicAges);
