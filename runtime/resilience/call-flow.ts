import type { CallFailure } from "../dsl/call.ts";
import type { Outcome } from "../dsl/outcome.ts";
import type { LogEntry } from "../dsl/step-log.ts";
import type { CallNode } from "../dsl/topology.ts";
import type { Attempted, Refusal, Waiting } from "./attempt.ts";
import { addressOf, addressOfOrder, nowhere, versionOf } from "./call-address.ts";
import { HandlerContext } from "./call-handler-context.ts";
import { type CallHost, recordContextOf } from "./call-host.ts";
import { type CallItem, isFromTier, type Origin } from "./call-item.ts";
import { CallState } from "./call-state.ts";
import { CallsUnderWay } from "./calls-under-way.ts";
import { arrived, type Disposition, dispositionOf, hop } from "./disposition.ts";
import { Fifo } from "./fifo.ts";
import { Lanes } from "./lanes.ts";
import type { Parcel } from "./parcel.ts";
import { isWithoutEffects } from "./replay-headers.ts";
import type { ResourceGuard } from "./resource-guard.ts";
import { endUncalled, traced } from "./traced-call.ts";
import type { WaitingOrder, WaitingOrders } from "./waiting-orders.ts";

export interface CallFlowOptions {
  readonly node: CallNode;
  readonly host: CallHost;
  /** Delays of the tiers, ascending. */
  readonly tierDelaysMs: readonly number[];
}

/** A record whose steps in front are running. */
interface Arriving {
  readonly origin: Origin;
  readonly parcel: Parcel;
}

/** A limit that is over so soon is waited for in memory. */
const PATIENCE_MS = 5_000;

/**
 * The calls of one task: takes records up, calls for them in their order and within the limits of their institutions, and does with each what came
 * of it. What changes state or outputs happens in one turn of the event loop, so that a commit finds either all of it or nothing.
 *
 *   arrive ──► waits for its order key ──► waits for its institution ──► called ──► done | dead | superseded
 *                     └── held in state        └──────── wait ───┬──── retry ──┘
 *                                                       retry tier (a topic), and again
 */
export class CallFlow {
  readonly state: CallState;
  readonly #options: CallFlowOptions;
  readonly #node: CallNode;
  readonly #host: CallHost;
  readonly #lanes: Lanes;
  readonly #underWay = new CallsUnderWay();
  readonly #starting = new Fifo<CallItem>();
  readonly #admittedMax: number;
  /** Institutions whose numbers of waiting records have changed since the last commit. */
  readonly #recounted = new Set<string>();
  #arriving: Arriving | undefined;
  #isRecovered = false;
  #isResumed = false;
  #isClosed = false;

  constructor(options: CallFlowOptions) {
    const { node, host } = options;
    this.#options = options;
    this.#node = node;
    this.#host = host;
    this.#admittedMax = node.admittedMax;
    this.state = new CallState({
      node,
      store: (name) => host.store(name),
      host: {
        start: (item) => this.#start(item),
        release: (item) => this.#finish(item),
        hasRoom: (item) => this.#hasRoomFor(item),
        replay: (parcel, at) => host.replay(parcel, { kind: "held", ...at }),
        count: (change, parcel) => this.#countWaiting(parcel, change === "held"),
        wallClockMs: () => host.clock.now(),
        isResuming: () => !this.#isResumed,
      },
    });
    this.#lanes = new Lanes({
      clock: host.clock,
      guard: (resource) => host.guard(resource),
      call: (item, guard) => this.#call(item, guard),
      refused: (item, { reason }) => endUncalled(this.#host.trace(item), reason),
      settle: (item, attempted) => {
        this.#underWay.ended(item);
        this.#guarded(() => this.#settle(item, attempted));
      },
      patienceMs: PATIENCE_MS,
    });
    host.suspend(async () => {
      await this.state.recover();
      for (const resource of this.state.waiting.resources) this.#recounted.add(resource);
      this.#isRecovered = true;
    });
  }

  get waitingOrders(): WaitingOrders {
    return this.#host.waitingOrders;
  }

  /** Records that are taken up and have not ended. */
  get inFlight(): number {
    return this.#underWay.count;
  }

  /** The call that began first, of those that have not ended; undefined if there is none. */
  get oldestCall(): { readonly item: CallItem; readonly sinceMs: number } | undefined {
    return this.#underWay.oldest;
  }

  /** Whether one more record may be taken up. */
  get hasRoom(): boolean {
    return this.#isRecovered && this.#underWay.count < this.#admittedMax;
  }

  /** All that was under way before a restart has been read again, or nothing was. */
  resumed(): void {
    if (this.#isResumed || !this.#isRecovered) return;
    this.#isResumed = true;
    this.#guarded(() => this.state.order.resumed());
  }

  /**
   * A record begins its way through the steps in front; they call `admit` if they let it pass. One that comes out of a tier before its time goes on to the
   * next one.
   */
  arrive(origin: Origin, parcel: Parcel, steps: () => void): void {
    const nowMs = this.#host.clock.now();
    const isFromTier = origin.kind === "input" && origin.isTier;
    const notBeforeMs = isFromTier ? this.#notBeforeMs(origin, parcel) : 0;
    if (notBeforeMs > nowMs && !this.#isForgotten(parcel)) {
      const travel = { ...parcel.travel, notBeforeMs };
      this.#host.toTier(hop(travel, this.#options.tierDelaysMs, nowMs), { ...parcel, travel });
      this.#end(origin);
      return;
    }
    if (isFromTier) this.#countWaiting(parcel, false);
    if (this.#isForgotten(parcel)) {
      this.#host.count("erased");
      this.#passedOver({ origin, parcel });
      return;
    }
    const travel = arrived(parcel.travel, nowMs);
    this.#arriving = { origin, parcel: travel === parcel.travel ? parcel : { ...parcel, travel } };
    steps();
    const left = this.#arriving;
    this.#arriving = undefined;
    if (left !== undefined) this.#passedOver(left);
  }

  /** An order may have a record called for before its time; others that lay in its way keep their time. */
  #notBeforeMs({ tier }: Extract<Origin, { kind: "input" }>, parcel: Parcel): number {
    const { waitingOrders } = this.#host;
    const { notBeforeMs } = parcel.travel;
    if (tier === undefined) return notBeforeMs;
    const isOrdered = waitingOrders.isReleased(parcel.address, tier.appendedMs) || this.#expiryOf(parcel) !== undefined;
    return isOrdered ? 0 : Math.max(notBeforeMs, tier.dueMs);
  }

  #expiryOf(parcel: Parcel, isHeld = false): WaitingOrder | undefined {
    return this.#host.waitingOrders.expiryOf(parcel, isHeld);
  }

  /** A record arrives that cannot be decoded. */
  arriveUnread(origin: Origin, parcel: Parcel, report: () => void): void {
    this.#guarded(() => this.arrive(origin, parcel, report));
  }

  /** The record that arrives has passed the steps in front. */
  admit(key: unknown, value: unknown, timestampMs: number): void {
    const arriving = this.#arriving;
    if (arriving === undefined || value === null) return;
    this.#arriving = undefined;
    const { origin, parcel } = arriving;
    const base = { origin, parcel, key, value, timestampMs, version: parcel.offset, abort: undefined };
    const context = recordContextOf(base);
    let item: CallItem;
    try {
      if (this.#node.erasure?.isOrder(value, context)) {
        this.#erase({ ...base, address: addressOfOrder(this.#node, value, context) });
        return;
      }
      if (isWithoutEffects(parcel.headers)) {
        this.#host.count("effectsSkipped");
        this.#passedOver(arriving);
        return;
      }
      const address = parcel.address ?? addressOf(this.#node, value, context);
      // A policy that cannot be had is found out here, where there is a record to blame.
      this.#host.policyOf(address.resource);
      const version = versionOf(this.#node, value, parcel.offset);
      item = { ...base, parcel: { ...parcel, address }, address, version };
    } catch (error) {
      this.#host.deadLetter(
        { ...base, address: nowhere },
        "CALL_ADDRESS",
        `where it belongs is not known: ${reasonOf(error)}`,
      );
      this.#passedOver(arriving);
      return;
    }
    this.#take(item);
  }

  /**
   * There is nothing to call for: the steps in front dropped the record, or it cannot be read. What had an order key before must not keep the others of that
   * key waiting.
   */
  #passedOver({ origin, parcel }: Arriving): void {
    const { address, timestampMs, offset } = parcel;
    if (address === undefined) this.#end(origin);
    else
      this.#take({ origin, parcel, address, key: null, value: null, timestampMs, version: offset, abort: undefined });
  }

  #take(item: CallItem): void {
    this.#underWay.add(item);
    if (item.origin.kind === "held") {
      this.#start(item);
      return;
    }
    switch (this.state.order.arrive(item)) {
      case "starts":
        if (this.#hasRoomFor(item) || this.#expiryOf(item.parcel) !== undefined) this.#start(item);
        else {
          this.state.order.away(item);
          this.#waitForRoom(item);
        }
        return;
      case "superseded":
        this.#supersede(item);
        this.#finish(item);
        return;
      case "noRoom":
        this.#waitForRoom(item);
        return;
      case "full":
        this.#bury(
          item,
          "CALL_HELD_FULL",
          `${this.#node.heldMax} records of its order key wait already behind one that has not succeeded`,
        );
        this.#finish(item);
        return;
      case "waits":
    }
  }

  /**
   * An institution that is slower than its records come gets no more of the memory than there is free, so that the others always find some; one that is alone
   * may have it all, for there is nobody to protect, and its input waits.
   */
  #hasRoomFor({ value, address: { resource } }: CallItem): boolean {
    if (value === null) return true;
    const own = this.#lanes.sizeOf(resource);
    const isAlone = this.#lanes.count === 0 || (this.#lanes.count === 1 && own > 0);
    return isAlone || own < Math.max(1, this.#admittedMax - this.#underWay.count);
  }

  /** Its turn has come. One after the other, however many one leads to. */
  #start(item: CallItem): void {
    this.#starting.push(item);
    if (this.#starting.size > 1) return;
    for (let next = this.#starting.first; next !== undefined; next = this.#starting.first) {
      this.#startNow(next);
      this.#starting.take();
    }
  }

  #startNow(item: CallItem): void {
    const expiry = this.#expiryOf(item.parcel, item.origin.kind === "held");
    if (item.value === null) this.#drop(item);
    else if (this.#isForgotten(item.parcel)) this.#eraseItem(item);
    else if (expiry !== undefined) {
      this.#bury(item, "CALL_EXPIRED_BY_HAND", `ended by ${expiry.by}: ${expiry.why}`);
      this.#drop(item);
    } else if (this.state.order.isSuperseded(item)) {
      this.#supersede(item);
      this.#drop(item);
    } else this.#lanes.push(item);
  }

  #drop(item: CallItem): void {
    this.state.order.ended(item, false);
    this.#finish(item);
  }

  #waitForRoom(item: CallItem): void {
    const refusal = this.#host.guard(item.address.resource).refusal(item.value);
    endUncalled(this.#host.trace(item), "no-room");
    this.#travel(
      item,
      this.#decide(item, { kind: "wait", reason: "no room", untilMs: refusal?.untilMs, scope: "record" }),
    );
  }

  #call(item: CallItem, guard: ResourceGuard): Promise<Attempted> {
    // The order came while it waited for its institution.
    if (this.#isForgotten(item.parcel)) return Promise.resolve(FORGOTTEN);
    const { job, clock } = this.#host;
    const write = (entry: LogEntry) => this.#host.log(item, entry);
    const { id, handler, classify } = this.#node;
    const span = this.#host.trace(item);
    const handle = (signal: AbortSignal, deadlineMs: number) => {
      const nowMs = clock.now();
      this.#underWay.called(item, nowMs);
      const context = { job, step: id, item, signal, deadlineMs, nowMs, write, trace: span?.context };
      return handler(item.value, new HandlerContext(context)) as Promise<Outcome<unknown>>;
    };
    const attempted = guard.run(
      span === undefined ? handle : (signal, deadlineMs) => span.run(() => handle(signal, deadlineMs)),
      {
        value: item.value,
        isRetry: isFromTier(item),
        signal: this.#underWay.begin(item),
        classify: (error) => classify?.(error, item.value) as Outcome<unknown> | undefined,
      },
    );
    return span === undefined ? attempted : traced(span, attempted);
  }

  /** What came of a call, or of wanting to make one. */
  #settle(item: CallItem, attempted: Attempted): void {
    if (this.#isForgotten(item.parcel)) {
      this.#eraseItem(item);
      return;
    }
    if ("aborted" in attempted) return;
    const disposition = this.#dispositionOf(item, attempted);
    if (disposition.kind === "tier") {
      this.state.order.away(item);
      this.#travel(item, disposition);
      return;
    }
    if (disposition.kind === "dead")
      this.#bury(calledOnce(item, this.#calledAtMs(attempted)), disposition.code, disposition.reason);
    else if (this.state.order.isSuperseded(item)) this.#supersede(item);
    else this.#host.emit(item, "done", disposition.values);
    this.state.order.ended(item, disposition.kind === "done");
    this.#finish(item);
  }

  #dispositionOf(item: CallItem, attempted: Exclude<Attempted, { aborted: true }>): Disposition {
    if (!attempted.called) return this.#decide(item, refused(attempted.refusal));
    const { outcome } = attempted;
    // The usual one: nothing has to be looked up.
    return outcome.kind === "done"
      ? outcome
      : this.#decide(item, outcome, this.#host.clock.now() - attempted.durationMs);
  }

  /** Undefined if no call was made. */
  #calledAtMs(attempted: Exclude<Attempted, { aborted: true }>): number | undefined {
    return attempted.called ? this.#host.clock.now() - attempted.durationMs : undefined;
  }

  #decide({ parcel, address }: CallItem, outcome: Outcome<unknown>, calledAtMs?: number): Disposition {
    return dispositionOf(outcome, parcel.travel, {
      limits: this.#host.policyOf(address.resource).retry,
      tierDelaysMs: this.#options.tierDelaysMs,
      nowMs: this.#host.clock.now(),
      calledAtMs,
    });
  }

  #travel(item: CallItem, disposition: Disposition): void {
    if (disposition.kind !== "tier") throw new TypeError("only a tier can be travelled to");
    const parcel = { ...item.parcel, travel: disposition.travel };
    this.#host.toTier(disposition.tier, parcel);
    this.#countWaiting(parcel, true);
    this.#finish(item);
  }

  #supersede(item: CallItem): void {
    if (item.value === null) return;
    if (this.#isForgotten(item.parcel)) {
      this.#host.count("erased");
      return;
    }
    this.#host.count("superseded");
    this.#host.emit(item, "superseded", [item.value]);
  }

  /** To the DLQ, and to whoever listens for that. */
  #bury(item: CallItem, code: string, reason: string): void {
    if (this.#isForgotten(item.parcel)) {
      this.#host.count("erased");
      return;
    }
    const { attempts, firstCallMs = this.#host.clock.now() } = item.parcel.travel;
    this.#host.deadLetter(item, code, reason);
    const { value, address } = item;
    const failure: CallFailure<unknown> = {
      ...{ value, resource: address.resource, code, reason, attempts, firstCallMs },
    };
    this.#host.emit(item, "dead", [failure]);
  }

  /** The record is here no more. */
  #finish(item: CallItem): void {
    this.#underWay.remove(item);
    this.#end(item.origin);
  }

  #end(origin: Origin): void {
    if (origin.kind === "input") origin.progress.end(origin.offset);
  }

  #countWaiting({ address, travel }: Parcel, isMore: boolean): void {
    if (address === undefined || travel.sinceMs === undefined) return;
    const { waiting } = this.state;
    if (isMore) waiting.add(address.resource, travel.sinceMs);
    else waiting.remove(address.resource, travel.sinceMs);
    this.#recounted.add(address.resource);
  }

  #isForgotten(parcel: Parcel): boolean {
    const { erasures } = this.state;
    const subject = parcel.address?.subject;
    return erasures !== undefined && subject !== undefined && erasures.isForgotten(subject, parcel);
  }

  #eraseItem(item: CallItem): void {
    this.#host.count("erased");
    this.#drop(item);
  }

  /** Everything of the subject that came before is dropped: what is in memory or held now, what is in tiers when it comes out of them. */
  #erase(order: CallItem): void {
    const subject = order.address.subject!;
    const { topic, offset } = order.parcel;
    this.state.erasures!.order(subject, { topic, offset, orderedAtMs: this.#host.clock.now() });
    this.#underWay.abortOf(subject, ({ parcel }) => this.#isForgotten(parcel));
    this.#host.emit(order, "erased", [order.value]);
    this.#passedOver(order);
    this.#host.suspend(() =>
      this.state.forget((parcel) => parcel.address?.subject === subject && this.#isForgotten(parcel)),
    );
  }

  /** Begins no more calls: those under way may end before the task is given up, or stands still. */
  drain(): void {
    this.#lanes.pause();
  }

  /** Begins calls again. */
  resume(): void {
    this.#guarded(() => this.#lanes.resume());
  }

  /** Calls that have begun, or wait for a permit. */
  get calling(): number {
    return this.#lanes.underWay;
  }

  /** Before a commit seals the state. */
  flush(): void {
    this.state.flush();
    for (const resource of this.#recounted) this.#reportWaiting(resource, this.state.waiting.of(resource));
    this.#recounted.clear();
  }

  #reportWaiting(resource: string, waiting: Waiting | undefined): void {
    try {
      this.#host.policyOf(resource);
    } catch {
      // It has no policy any more, and so no guard. Its records are dead letters when they come.
      return;
    }
    this.#host.guard(resource).reportWaiting(this.#host.id, waiting);
  }

  /** What is thrown here is not about a record. */
  #guarded(work: () => void): void {
    if (this.#isClosed) return;
    try {
      work();
    } catch (error) {
      this.#host.fail(error);
    }
  }

  /** Aborts what is under way. What comes of it is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#lanes.close();
    this.#underWay.abortAll();
    for (const resource of this.state.waiting.resources) this.#reportWaiting(resource, undefined);
  }
}

const FORGOTTEN: Attempted = { called: false, aborted: true };

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** With the call that has just ended. */
function calledOnce(item: CallItem, calledAtMs: number | undefined): CallItem {
  const { parcel } = item;
  const { attempts, firstCallMs = calledAtMs } = parcel.travel;
  return { ...item, parcel: { ...parcel, travel: { ...parcel.travel, attempts: attempts + 1, firstCallMs } } };
}

const refused = ({ reason, untilMs }: Refusal): Outcome<unknown> => ({
  kind: "wait",
  reason,
  untilMs,
  scope: "record",
});
