import type { ServerResponse } from "node:http";
import type { Clock } from "../../runtime/time/clock.ts";
import { type Answer, refusalAnswer } from "./answer.ts";
import type { OutageKind, SlowDrip } from "./behaviour.ts";
import type { CallPlan, Institution } from "./institution.ts";
import type { CallEnd } from "./institution-stats.ts";
import { RefusedRequest } from "./refused-request.ts";

export interface HttpCall {
  readonly institution: Institution;
  readonly clock: Clock;
  readonly transactionId: string | undefined;
  readonly response: ServerResponse;
  /** @throws {RefusedRequest} */
  readonly answer: (plan: CallPlan, nowMs: number) => Answer;
}

const PIECES = 20;

/** Lets one call happen as the institution behaves: out of reach, late, in drops, or as it should be. Counts it once, when it is over. */
export function serveCall(call: HttpCall): void {
  const { institution, clock, response } = call;
  const { counters } = institution;
  let end: CallEnd = { kind: "unanswered", how: "abandoned" };
  let cancelTimer = () => {};
  const after = (ms: number, next: () => void) => {
    if (ms <= 0) next();
    else cancelTimer = clock.after(ms, next);
  };
  const breakDown = (how: OutageKind) => {
    end = { kind: "unanswered", how };
    failAs(how, response);
  };

  counters.begin();
  response.once("close", () => {
    cancelTimer();
    counters.end(end);
  });
  response.sendDate = false;
  const outage = institution.outageAt(clock.now());
  if (outage !== undefined) {
    breakDown(outage);
    return;
  }
  const plan = institution.plan();
  const answer = answerTo(call, plan);
  after(plan.latencyMs, () => {
    if (answer === undefined) return breakDown("reset");
    response.writeHead(answer.status, headersOf(answer, call.transactionId));
    const { slowDrip } = institution.behaviour;
    const finish = (lastPiece: Buffer) =>
      response.end(lastPiece, () => {
        end = { kind: "answered", code: answer.code };
        answer.whenSent?.();
      });
    if (slowDrip === null) finish(answer.body);
    else drip(answer.body, slowDrip, { response, after, finish });
  });
}

/** Undefined: the connection is to be reset. */
function answerTo({ institution, clock, transactionId, answer }: HttpCall, plan: CallPlan): Answer | undefined {
  const nowMs = clock.now();
  try {
    institution.admit(transactionId, nowMs);
    return plan.fault === "none" ? answer(plan, nowMs) : institution.faultAnswer(plan.fault);
  } catch (error) {
    if (error instanceof RefusedRequest) return refusalAnswer(error);
    throw error;
  }
}

function failAs(how: OutageKind, response: ServerResponse): void {
  if (how === "reset") response.socket?.resetAndDestroy();
  else if (how === "unavailable") response.writeHead(503, { "content-type": "text/plain" }).end("upstream is away\n");
}

const headersOf = ({ headers, body }: Answer, transactionId = "") => ({
  "content-type": "application/json; charset=utf-8",
  "content-length": String(body.length),
  "x-api-tran-id": transactionId,
  ...headers,
});

interface Dripping {
  readonly response: ServerResponse;
  readonly after: (ms: number, next: () => void) => void;
  readonly finish: (lastPiece: Buffer) => void;
}

/** As many pieces, of nearly the same size, at equal distances. */
function drip(body: Buffer, { overMs, pieces = PIECES }: SlowDrip, { response, after, finish }: Dripping): void {
  const startOf = (piece: number) => Math.floor((body.length * piece) / pieces);
  response.flushHeaders();
  const next = (piece: number) =>
    after(overMs / pieces, () => {
      const bytes = body.subarray(startOf(piece), startOf(piece + 1));
      if (piece === pieces - 1) {
        finish(bytes);
        return;
      }
      if (bytes.length > 0) response.write(bytes);
      next(piece + 1);
    });
  next(0);
}
