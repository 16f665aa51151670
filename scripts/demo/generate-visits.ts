import { SeededRandom } from "../../runtime/testing/seeded-random.ts";
import { definitions } from "./trouble.ts";

/** Something that a customer does, and what he consents to from then on if that changes. */
export interface Visit {
  /** Since the first customer. */
  readonly atMs: number;
  readonly customerId: string;
  readonly page: string;
  readonly action: string;
  /** That the click is about; empty: all. */
  readonly institutions: readonly string[];
  readonly consentsTo?: readonly string[];
  /** The click comes a second time, as clicks do. */
  readonly isRepeated: boolean;
}

export interface VisitOptions {
  readonly customers: number;
  readonly arrivalsMs: number;
  readonly seed: number;
}

/** Clicks that the event map does not know, by design: they are dead letters. */
export const UNKNOWN_CLICKS = 3;

const INSTITUTIONS_MIN = 1;
const INSTITUTIONS_MAX = 2;

/** What all customers do, in order of time. */
export function generateVisits({ customers, arrivalsMs, seed }: VisitOptions): readonly Visit[] {
  const random = new SeededRandom(seed);
  const visits = Array.from({ length: customers }, (_, index) => visitsOf(index, arrivalsMs, random)).flat();
  return visits.sort((a, b) => a.atMs - b.atMs);
}

function visitsOf(index: number, arrivalsMs: number, random: SeededRandom): readonly Visit[] {
  const customerId = `customer-${String(index + 1).padStart(5, "0")}`;
  const arrivedMs = random.below(arrivalsMs / 2);
  const restMs = arrivalsMs - arrivedMs;
  const institutions = someInstitutions(random);
  const does = (
    page: string,
    action: string,
    more: Partial<Visit> & { readonly share: number; readonly after?: number },
  ): readonly Visit[] => {
    const { share, after = 0, ...change } = more;
    const atMs = arrivedMs + Math.floor(restMs * (after + (after === 0 ? 0 : random.next() * (1 - after))));
    const isRepeated = random.chance(0.05);
    if (!random.chance(share)) return [];
    return [{ ...{ atMs, customerId, page, action, institutions: [], isRepeated }, ...change }];
  };
  const [first, ...others] = institutions;
  return [
    ...does("authentication", "consent", { share: 1, consentsTo: institutions }),
    ...does("member", "logIn", { share: 1, after: 0.05 }),
    ...does("spending", "home", { share: 0.5, after: 0.1 }),
    ...does("assets", "home", { share: 0.3, after: 0.1 }),
    ...does("assets", "refresh", { share: 0.1, after: 0.3 }),
    ...does("spending", "zoom", { share: index < UNKNOWN_CLICKS ? 1 : 0, after: 0.1, isRepeated: false }),
    ...does("authentication", "withdraw", { share: 0.02, after: 0.2, institutions: [first!], consentsTo: others }),
    ...does("member", "leave", { share: 0.01, after: 0.2 }),
  ];
}

function someInstitutions(random: SeededRandom): readonly string[] {
  const left = definitions.map(({ id }) => id);
  const count = INSTITUTIONS_MIN + random.below(INSTITUTIONS_MAX - INSTITUTIONS_MIN + 1);
  return Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0]!);
}
