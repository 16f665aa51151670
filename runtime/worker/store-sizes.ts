import type { DiskSpace, StateDisk } from "../../state/disk.ts";
import type { StoreStatus } from "./member-status.ts";

const MEASURE_EVERY_MS = 10_000;
/** Where no task is up yet. */
const LOOK_AGAIN_MS = 1_000;

/** What the stores of tasks take on the disk. Measured beside the worker's loop, now and then: a disk is slow to say it. */
export class StoreSizes {
  readonly #disk: StateDisk;
  readonly #job: string;
  #space: DiskSpace | undefined;
  #sizes: ReadonlyMap<string, readonly StoreStatus[]> = new Map();
  #dueAtMs = 0;
  #isMeasuring = false;

  constructor(disk: StateDisk, job: string) {
    this.#disk = disk;
    this.#job = job;
  }

  /** The disk as a whole; undefined before it was looked at. */
  get space(): DiskSpace | undefined {
    return this.#space;
  }

  of(task: string): readonly StoreStatus[] {
    return this.#sizes.get(task) ?? [];
  }

  /** `stores` are the names of the stores, by task. Cheap: it is asked at every turn of the loop. */
  measureIfDue(nowMs: number, stores: () => ReadonlyMap<string, readonly string[]>): void {
    if (this.#isMeasuring || nowMs < this.#dueAtMs) return;
    this.#isMeasuring = true;
    const wanted = stores();
    this.#dueAtMs = nowMs + (wanted.size === 0 ? LOOK_AGAIN_MS : MEASURE_EVERY_MS);
    void this.#measure(wanted).finally(() => {
      this.#isMeasuring = false;
    });
  }

  async #measure(stores: ReadonlyMap<string, readonly string[]>): Promise<void> {
    this.#space = await this.#disk.space?.().catch(() => undefined);
    const sizes = new Map<string, readonly StoreStatus[]>();
    for (const [task, names] of stores) {
      const own: StoreStatus[] = [];
      for (const store of names) {
        // One that is being moved or deleted has no size now.
        const bytes = await this.#disk.sizeBytes(`${this.#job}/${task}/${store}`).catch(() => undefined);
        if (bytes !== undefined) own.push({ store, bytes });
      }
      sizes.set(task, own);
    }
    this.#sizes = sizes;
  }
}
