/** A field that two values have otherwise, as it may be shown. */
export interface FieldDifference {
  /** "address.street", "cards[1].number"; "" for the value as a whole. */
  readonly field: string;
  /** Undefined: the value has no such field. */
  readonly left?: unknown;
  readonly right?: unknown;
  /** It is personal data: that it differs is all that is told. */
  readonly hidden?: true;
}

/** A value, or a part of one; all undefined if it is not there. */
export interface ComparedValue {
  /** As `CanonicalValues` writes it, parsed: what is compared. */
  readonly canonical: unknown;
  /** With personal data. */
  readonly open: unknown;
  /** Without. */
  readonly shown: unknown;
}

const FIELDS_MAX = 20;

/** What differs between two values, field by field, the first 20. */
export function fieldDifferences(left: ComparedValue, right: ComparedValue): readonly FieldDifference[] {
  const found: FieldDifference[] = [];
  for (const difference of differences(left, right, "")) {
    if (found.push(difference) === FIELDS_MAX) break;
  }
  return found;
}

function* differences(left: ComparedValue, right: ComparedValue, field: string): Generator<FieldDifference> {
  if (isSame(left.canonical, right.canonical)) return;
  const names = commonNames(left, right);
  if (names !== undefined) {
    for (const name of names) yield* differences(part(left, name), part(right, name), below(field, name, left));
  } else if (!isSame(left.open, left.shown) || !isSame(right.open, right.shown)) yield { field, hidden: true };
  else yield { field, ...shownAs("left", left), ...shownAs("right", right) };
}

/** Of the parts of both; undefined if one of them has none that can be looked at. */
function commonNames(left: ComparedValue, right: ComparedValue): readonly string[] | undefined {
  if (Array.isArray(left.canonical) !== Array.isArray(right.canonical)) return undefined;
  if (![left, right].every(({ canonical, shown }) => hasParts(canonical) && hasParts(shown))) return undefined;
  return [...new Set([...Object.keys(left.canonical as object), ...Object.keys(right.canonical as object)])];
}

/** Objects whose one name begins with $ are scalars that JSON has not. */
function hasParts(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Object.keys(value).some((name) => name.startsWith("$"));
}

function part({ canonical, open, shown }: ComparedValue, name: string): ComparedValue {
  const of = (value: unknown) => (value as Readonly<Record<string, unknown>>)[name];
  return { canonical: of(canonical), open: of(open), shown: of(shown) };
}

function below(field: string, name: string, { canonical }: ComparedValue): string {
  if (Array.isArray(canonical)) return `${field}[${name}]`;
  return field === "" ? name : `${field}.${name}`;
}

const shownAs = (side: "left" | "right", { shown }: ComparedValue) => (shown === undefined ? {} : { [side]: shown });

const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right);
