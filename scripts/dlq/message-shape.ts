const CHARACTERS_MAX = 160;

/** An error's message without what may be somebody's data: what stands in quotes, and numbers. */
export function messageShape(message: string): string {
  const shape = message
    .replaceAll(/"(?:[^"\\]|\\.)*"|'[^']*'|`[^`]*`/g, '"…"')
    .replaceAll(/\S+@\S+/g, "…")
    .replaceAll(/\d+(?:[.,:-]\d+)*/g, "#")
    .replaceAll(/\s+/g, " ")
    .trim();
  return shape.length > CHARACTERS_MAX ? `${shape.slice(0, CHARACTERS_MAX - 1)}…` : shape;
}
