import type { Line } from "./lines.ts";
import type { Row } from "./row.ts";

/** One JSON object a line; empty lines are skipped. */
export async function* jsonRows(lines: AsyncIterable<Line>): AsyncGenerator<Row> {
  for await (const { number: line, text: raw, problem } of lines) {
    if (problem !== undefined) yield { kind: "unreadable", line, raw, error: `the line ${problem}` };
    else if (raw.trim() !== "") yield parse(line, raw);
  }
}

function parse(line: number, raw: string): Row {
  try {
    return { kind: "row", line, raw, content: JSON.parse(raw) };
  } catch (error) {
    return { kind: "unreadable", line, raw, error: `no JSON${placeOf(error as SyntaxError)}` };
  }
}

/** Only where: the rest of the engine's message repeats the content. */
function placeOf(error: SyntaxError): string {
  const position = /at position (\d+)/.exec(error.message)?.[1];
  return position === undefined
    ? ": the value ends too early or is no JSON"
    : `: a mistake at character ${Number(position) + 1}`;
}
