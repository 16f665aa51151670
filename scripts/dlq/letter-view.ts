import type { DeadLetterMark } from "../../runtime/ops/dead-letter-marks.ts";
import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import { DEAD_LETTER_HEADERS } from "../../runtime/worker/dead-letter.ts";
import type { RecordView, RecordViewer } from "../read/record-view.ts";
import { keyText } from "./letter-matcher.ts";

/** A dead letter as `mulgil dlq show` prints it. Times are ISO 8601, UTC. */
export interface LetterView {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly state: "open" | DeadLetterMark;
  readonly code: string;
  readonly step: string;
  readonly message: string;
  /** When it came here. */
  readonly timestamp: string;
  /** Undefined where there was no record. */
  readonly source:
    | { readonly topic: string; readonly partition: number; readonly offset: number; readonly timestamp: string }
    | undefined;
  readonly attempts: number | undefined;
  readonly firstCall: string | undefined;
  readonly redrives: number;
  readonly key: unknown;
  readonly value: unknown;
  /** Those that the record had. */
  readonly headers: RecordView["headers"];
}

/** Decodes dead letters: values by the schema that they were written with, bytes where that is impossible. */
export async function viewLetters(
  letters: readonly DeadLetter[],
  viewer: RecordViewer,
  markOf: (letter: DeadLetter) => DeadLetterMark | undefined,
): Promise<readonly LetterView[]> {
  const views = await viewer.view(letters);
  return letters.map((letter, index) => letterView(letter, views[index]!, markOf(letter)));
}

function letterView(letter: DeadLetter, view: RecordView, mark: DeadLetterMark | undefined): LetterView {
  const { topic, partition, offset, code, step, source, attempts, firstCallMs, redrives } = letter;
  // From the view, so that it hides what is to be hidden.
  const message = view.headers[DEAD_LETTER_HEADERS.message];
  const own = Object.entries(view.headers).filter(([name]) => !name.startsWith("mulgil.dlq."));
  return {
    ...{ topic, partition, offset, state: mark ?? "open", code, step },
    message: typeof message === "string" ? message : "",
    timestamp: view.timestamp,
    source: source && {
      ...{ topic: source.topic, partition: source.partition, offset: source.offset },
      timestamp: new Date(source.timestampMs).toISOString(),
    },
    attempts,
    firstCall: firstCallMs === undefined ? undefined : new Date(firstCallMs).toISOString(),
    ...{ redrives, key: view.key, value: view.value, headers: Object.fromEntries(own) },
  };
}

/** For people: a paragraph a letter. */
export const lettersText = (letters: readonly LetterView[]): string => letters.map(letterText).join("\n\n");

function letterText(letter: LetterView): string {
  const { topic, partition, offset, state, timestamp, code, step, source, attempts, firstCall, redrives } = letter;
  const headers = Object.entries(letter.headers).map(([name, value]) => `${name}=${keyText(value)}`);
  const lines: readonly (readonly [string, string | undefined])[] = [
    ["why", letter.message],
    ["from", source === undefined ? "no record: a timer, or a result" : sourceText(source)],
    ["calls", attempts === undefined ? undefined : `${attempts}${firstCall ? `, the first one at ${firstCall}` : ""}`],
    ["redriven", redrives === 0 ? undefined : `${redrives} times before`],
    ["key", keyText(letter.key)],
    ["value", JSON.stringify(letter.value)],
    ["headers", headers.length === 0 ? undefined : headers.join(", ")],
  ];
  const shown = lines.flatMap(([name, text]) => (text === undefined ? [] : [`  ${name.padEnd(9)}${text}`]));
  return [`${topic}/${partition}/${offset}  ${timestamp}  ${code} at ${step}  ${state}`, ...shown].join("\n");
}

const sourceText = ({ topic, partition, offset, timestamp }: NonNullable<LetterView["source"]>): string =>
  `${topic}/${partition}/${offset}, ${timestamp}`;
