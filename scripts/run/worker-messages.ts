import type { JobEvent, JobStatus } from "../../runtime/index.ts";
import type { OrderAnswer, ScaleOrder } from "../../runtime/worker/control-records.ts";
import type { Problem } from "../output/problem.ts";

/** What a worker process tells the process that started it. */
export type WorkerMessage =
  /** Topics, plans and schemas are there, and its members join their groups. */
  | { readonly kind: "started" }
  | { readonly kind: "event"; readonly event: JobEvent }
  | { readonly kind: "status"; readonly statuses: readonly JobStatus[] }
  /** It has nothing left to do, and goes on until it is told to stop. */
  | { readonly kind: "idle" }
  /** It has heard how many workers are wanted. All of them tell it. */
  | { readonly kind: "scale"; readonly order: ScaleOrder }
  /** It ends with an error of its own, which would come again. */
  | { readonly kind: "failed"; readonly problem: Problem; readonly details: string };

/** What it is told. */
export type WorkerOrder =
  | { readonly kind: "stop" }
  /** What came of an order that it has told of. */
  | { readonly kind: "scaled"; readonly answer: OrderAnswer };
