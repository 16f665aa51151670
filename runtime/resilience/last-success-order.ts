import type { KeyValueStore } from "../../state/store.ts";
import { type CallItem, isFromTier } from "./call-item.ts";
import type { Arrival, CallOrder, CallOrderHost } from "./call-order.ts";

/** An order key of which records are in tiers, or whose last success has to be remembered. */
export interface LastSuccess {
  readonly inTiers: number;
  /** Of the latest one that succeeded; undefined if none has since the first of those in tiers. */
  readonly version: number | undefined;
}

export interface LastSuccessOrderOptions {
  readonly keys: KeyValueStore<string, LastSuccess>;
  /** Versions are declared: they need not rise with the input, so the last success is remembered for ever. */
  readonly isVersionDeclared: boolean;
  readonly host: CallOrderHost & { wallClockMs(): number; isResuming(): boolean };
}

/**
 * One record of a key at a time, and none waits for one that is tried again: the latest success decides, and an older record that comes back after
 * it is superseded.
 */
export class LastSuccessOrder implements CallOrder {
  readonly #options: LastSuccessOrderOptions;
  readonly #chains = new Map<string, CallItem[]>();
  /** Keys with nothing in tiers: older records that were under way before a restart may still come out of the input behind one that came out of a tier. */
  readonly #remembered = new Set<string>();

  constructor(options: LastSuccessOrderOptions) {
    this.#options = options;
  }

  arrive(item: CallItem): Arrival {
    const orderKey = item.address.orderKey!;
    if (this.isSuperseded(item)) {
      this.#leftTier(item, undefined);
      return "superseded";
    }
    const chain = this.#chains.get(orderKey);
    if (chain === undefined) {
      this.#chains.set(orderKey, []);
      return "starts";
    }
    if (!this.#options.host.hasRoom(item)) {
      this.#toTier(item);
      return "noRoom";
    }
    chain.push(item);
    return "waits";
  }

  isSuperseded({ address, version }: CallItem): boolean {
    const latest = this.#options.keys.get(address.orderKey!)?.version;
    return latest !== undefined && latest > version;
  }

  ended(item: CallItem, hasSucceeded: boolean): void {
    this.#leftTier(item, hasSucceeded ? item.version : undefined);
    this.#startNext(item.address.orderKey!);
  }

  away(item: CallItem): void {
    this.#toTier(item);
    this.#startNext(item.address.orderKey!);
  }

  resumed(): void {
    const { keys } = this.#options;
    for (const orderKey of this.#remembered)
      if (keys.get(orderKey)?.inTiers === 0 && !this.#chains.has(orderKey)) keys.delete(orderKey);
    this.#remembered.clear();
  }

  /** At a start: a crash may have come before what is needed no more was forgotten. */
  async recover(): Promise<void> {
    if (this.#options.isVersionDeclared) return;
    for await (const [orderKey, { inTiers }] of this.#options.keys.entries())
      if (inTiers === 0) this.#remembered.add(orderKey);
  }

  #toTier(item: CallItem): void {
    if (isFromTier(item)) return;
    const { keys, host } = this.#options;
    const orderKey = item.address.orderKey!;
    const entry = keys.get(orderKey);
    keys.put(orderKey, { inTiers: (entry?.inTiers ?? 0) + 1, version: entry?.version }, host.wallClockMs());
  }

  #leftTier(item: CallItem, succeeded: number | undefined): void {
    const { keys, host } = this.#options;
    const orderKey = item.address.orderKey!;
    const entry = keys.get(orderKey);
    const inTiers = Math.max(0, (entry?.inTiers ?? 0) - (isFromTier(item) ? 1 : 0));
    const version = succeeded === undefined ? entry?.version : Math.max(succeeded, entry?.version ?? succeeded);
    if (inTiers === 0 && !this.#remembers(item, version)) {
      if (entry !== undefined) keys.delete(orderKey);
    } else if (inTiers !== entry?.inTiers || version !== entry?.version)
      keys.put(orderKey, { inTiers, version }, host.wallClockMs());
  }

  /** Whether a last success matters with nothing in tiers: where an older record waits behind one that came out of a tier, or may still come. */
  #remembers(item: CallItem, version: number | undefined): boolean {
    const { keys, host, isVersionDeclared } = this.#options;
    const orderKey = item.address.orderKey!;
    if (version === undefined) return false;
    if (isVersionDeclared) return true;
    if (host.isResuming()) {
      this.#remembered.add(orderKey);
      return true;
    }
    const mayBeOvertaken = isFromTier(item) || keys.get(orderKey)?.version !== undefined;
    return mayBeOvertaken && (this.#chains.get(orderKey)?.some((waiting) => waiting.version < version) ?? false);
  }

  #startNext(orderKey: string): void {
    const next = this.#chains.get(orderKey)?.shift();
    if (next === undefined) this.#chains.delete(orderKey);
    else this.#options.host.start(next);
  }
}
