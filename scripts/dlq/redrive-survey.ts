import type { DeadLetter } from "../../runtime/ops/dead-letters.ts";
import { REFUSALS, type RedriveRefusal, type RedriveRules, redriveTarget } from "../../runtime/ops/redrive-target.ts";
import type { RecordView, RecordViewer } from "../read/record-view.ts";
import { Counts } from "./counts.ts";
import { keyText } from "./letter-matcher.ts";
import { messageShape } from "./message-shape.ts";
import type { Mended, Transformer } from "./transform.ts";

export interface SurveyOptions {
  readonly rules: RedriveRules;
  readonly viewer: RecordViewer;
  readonly transformer: Transformer | undefined;
  /** Letters of each code that the transform is tried on, and shown. */
  readonly sample: number;
  /** Tries the transform on all of them, and shows the sample. */
  readonly isWholeTried: boolean;
}

/** What a redrive would do, found out before anything is changed. */
export class RedriveSurvey {
  /** That would go back, by code. */
  readonly codes = new Counts<string>();
  /** Where to. */
  readonly topics = new Counts<string>();
  readonly refused = new Counts<RedriveRefusal>();
  readonly #options: SurveyOptions;
  readonly #tried = new Counts<string>();
  readonly #samples: string[] = [];
  readonly #failures = new Counts<string>();
  #skipped = 0;

  constructor(options: SurveyOptions) {
    this.#options = options;
  }

  async add(letters: readonly DeadLetter[]): Promise<void> {
    for (const letter of letters) {
      const target = redriveTarget(letter, this.#options.rules);
      if (target.kind === "refused") {
        this.refused.add(target.why);
        continue;
      }
      this.codes.add(letter.code);
      this.topics.add(target.to.topic);
      await this.#try(letter);
    }
  }

  /** A line each. */
  get lines(): readonly string[] {
    const { codes, topics, refused } = this;
    return [
      `${count(codes.total)} dead letters to go back: ${codes.text}`,
      ...topics.entries.map(([topic, letters]) => `  to ${topic}: ${count(letters)}`),
      ...refused.entries.map(([why, letters]) => `${count(letters)} stay: ${REFUSALS[why]}`),
      ...this.#transformLines,
    ];
  }

  get #transformLines(): readonly string[] {
    if (this.#options.transformer === undefined || this.#tried.total === 0) return [];
    const fits = this.#tried.total - this.#skipped - this.#failures.total;
    return [
      `the transform was tried on ${count(this.#tried.total)} of them: ${count(fits)} mended, ${count(this.#skipped)} left out, ${count(this.#failures.total)} failed`,
      ...this.#failures.entries.map(([reason, letters]) => `  failed ${count(letters)} times: ${reason}`),
      ...this.#samples,
    ];
  }

  async #try(letter: DeadLetter): Promise<void> {
    const { transformer, sample, viewer, isWholeTried } = this.#options;
    if (transformer === undefined) return;
    const isShown = this.#tried.of(letter.code) < sample;
    if (!isShown && !isWholeTried) return;
    this.#tried.add(letter.code);
    const mended = await transformer.mend(letter);
    if (mended.kind === "failed") this.#failures.add(`${letter.code}: ${messageShape(mended.reason)}`);
    if (mended.kind === "skipped") this.#skipped++;
    if (!isShown) return;
    const [before, after] = await viewer.view([letter, { ...letter, value: bytesOf(mended, letter) }]);
    this.#samples.push(...sampleLines(letter, mended, before!, after!));
  }
}

const bytesOf = (mended: Mended, letter: DeadLetter): Buffer | null =>
  mended.kind === "mended" ? mended.value : letter.value;

function sampleLines(letter: DeadLetter, mended: Mended, before: RecordView, after: RecordView): readonly string[] {
  const { topic, partition, offset, code, step } = letter;
  const result = {
    mended: JSON.stringify(after.value),
    skipped: "(left in the DLQ)",
    failed: mended.kind === "failed" ? `(stays: ${mended.reason})` : "",
  };
  return [
    `  ${topic}/${partition}/${offset}  ${code} at ${step}  key ${keyText(before.key)}`,
    `    before ${JSON.stringify(before.value)}`,
    `    after  ${result[mended.kind]}`,
  ];
}

const count = (value: number): string => value.toLocaleString("en-US");
