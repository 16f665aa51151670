import type { InstitutionOverview } from "../../runtime/ops/circuits-overview.ts";
import type { DemoOptions } from "./demo-options.ts";
import { DOWN } from "./trouble.ts";

/** What happened, and when. */
export interface NewsItem {
  /** Since the first customer. */
  readonly atMs: number;
  readonly text: string;
}

/** Notices what a person would like to be told. */
export class News {
  readonly items: NewsItem[] = [];
  readonly #options: DemoOptions;
  readonly #circuits = new Map<string, string>();
  #phase: "before" | "down" | "after" = "before";
  #isAllThere = false;

  constructor(options: DemoOptions) {
    this.#options = options;
  }

  /** Takes a look at how things stand, and returns what is new in it. */
  look(
    atMs: number,
    institutions: readonly InstitutionOverview[],
    { hasArrived }: { readonly hasArrived: boolean },
  ): readonly NewsItem[] {
    const before = this.items.length;
    const say = (text: string) => this.items.push({ atMs, text });
    const { outage } = this.#options;
    if (this.#phase === "before" && atMs >= outage.fromMs) {
      this.#phase = "down";
      say(`${DOWN} is down: it resets every connection`);
    }
    if (this.#phase === "down" && atMs >= outage.untilMs) {
      this.#phase = "after";
      say(`${DOWN} is up again`);
    }
    for (const { resource, circuit, waiting } of institutions) {
      const known = this.#circuits.get(resource) ?? "closed";
      this.#circuits.set(resource, circuit);
      if (known === "closed" && circuit !== "closed")
        say(`the circuit of ${resource} has opened: it is left alone, and ${waiting} requests wait`);
      if (known !== "closed" && circuit === "closed") say(`the circuit of ${resource} has closed`);
    }
    if (hasArrived && !this.#isAllThere) {
      this.#isAllThere = true;
      say("all customers have been there; what is outstanding is brought to its end");
    }
    return this.items.slice(before);
  }
}
