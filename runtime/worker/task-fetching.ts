import type { GroupConsumer } from "../log/port.ts";
import type { RefusedPosition } from "./refused-position.ts";
import type { Task } from "./task.ts";

/** What is fetched for a running task: from where, and of which inputs nothing for now. */
export class TaskFetching {
  readonly #task: Task;
  /** Topics of which so much waits that no more is fetched. */
  readonly #paused = new Set<string>();
  /** The job is paused: nothing is fetched, whatever waits. */
  #isHeld = false;
  /** Positions that the log refuses. Nothing is fetched then; when all is committed the task starts again, which finds what to do. */
  readonly #refused = new Map<string, RefusedPosition>();

  constructor(task: Task) {
    this.#task = task;
  }

  get isRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** Topics that were made again while the task ran, and how far it was. */
  get replaced(): ReadonlyMap<string, number> {
    const positions = this.#task.fetchPositions.filter(({ topic }) => this.#refused.get(topic)?.isReplaced);
    return new Map(positions.map(({ topic, offset }) => [topic, offset]));
  }

  refuse(consumer: GroupConsumer, position: RefusedPosition): void {
    this.#refused.set(position.topic, position);
    consumer.pause(this.#task.inputs);
  }

  /** The consumer has been given the inputs, and knows nothing of them yet. */
  position(consumer: GroupConsumer, isHeld: boolean): void {
    const { inputs, fetchPositions } = this.#task;
    this.#isHeld = isHeld;
    if (this.isRefused) {
      consumer.pause(inputs);
      return;
    }
    consumer.seek(fetchPositions);
    if (isHeld) consumer.pause(inputs);
    else this.#resume(consumer);
  }

  throttle(consumer: GroupConsumer, isHeld: boolean): void {
    if (this.isRefused) return;
    this.#hold(consumer, isHeld);
    if (isHeld) return;
    for (const backlog of this.#task.backlogs) {
      const { topic, records, bytes, recordsMax, bytesMax } = backlog;
      const fullness = Math.max(records / recordsMax, bytes / bytesMax);
      if (fullness > 1 && !this.#paused.has(topic)) {
        consumer.pause([backlog]);
        this.#paused.add(topic);
      } else if (fullness < 0.5 && this.#paused.delete(topic)) consumer.resume([backlog]);
    }
  }
  #hold(consumer: GroupConsumer, isHeld: boolean): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) consumer.pause(this.#task.inputs);
    else this.#resume(consumer);
  }

  /** All but what is full. */
  #resume(consumer: GroupConsumer): void {
    const { inputs } = this.#task;
    consumer.resume(inputs);
    consumer.pause(inputs.filter(({ topic }) => this.#paused.has(topic)));
  }
}
