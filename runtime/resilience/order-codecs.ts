import type { Codec } from "../../state/codec.ts";
import type { LastSuccess } from "./last-success-order.ts";
import type { StrictKey } from "./strict-order.ts";

const HEADS = ["input", "tier", "held"] as const;

export const strictKeyCodec: Codec<StrictKey> = {
  write({ headAt, head, first, next }, out) {
    out.byte(HEADS.indexOf(headAt));
    out.integer(first);
    out.integer(next);
    out.byte(head === undefined ? 0 : 1);
    if (head === undefined) return;
    out.string(head.topic);
    out.integer(head.offset);
  },
  read(input) {
    const headAt = HEADS[input.byte()]!;
    const first = input.integer();
    const next = input.integer();
    const head = input.byte() === 0 ? undefined : { topic: input.string(), offset: input.integer() };
    return { headAt, head, first, next };
  },
};

export const lastSuccessCodec: Codec<LastSuccess> = {
  write({ inTiers, version }, out) {
    out.integer(inTiers);
    out.double(version ?? Number.NaN);
  },
  read(input) {
    const inTiers = input.integer();
    const version = input.double();
    return { inTiers, version: Number.isNaN(version) ? undefined : version };
  },
};
