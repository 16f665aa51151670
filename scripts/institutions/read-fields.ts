/** Checks a value from outside and gives it its type. @throws {TypeError} that names the field and says what it must be */
export type Read<T> = (value: unknown, field: string) => T;

/** What is wrong with one field. */
export const mustBe = (field: string, wanted: string, value: unknown): TypeError =>
  new TypeError(`${field} must be ${wanted}, not ${JSON.stringify(value) ?? String(value)}`);

export interface NumberBounds {
  readonly min?: number;
  readonly max?: number;
  readonly isWhole?: boolean;
}

export const number =
  ({ min = -Infinity, max = Infinity, isWhole = false }: NumberBounds = {}): Read<number> =>
  (value, field) => {
    const isRight =
      typeof value === "number" && value >= min && value <= max && (!isWhole || Number.isSafeInteger(value));
    if (isRight && Number.isFinite(value)) return value;
    const kind = isWhole ? "a whole number" : "a number";
    const range = max === Infinity ? (min === -Infinity ? "" : ` from ${min} on`) : ` from ${min} to ${max}`;
    throw mustBe(field, kind + range, value);
  };

export const trueOrFalse: Read<boolean> = (value, field) => {
  if (typeof value !== "boolean") throw mustBe(field, "true or false", value);
  return value;
};

export const text =
  (pattern: RegExp, wanted: string): Read<string> =>
  (value, field) => {
    if (typeof value !== "string" || !pattern.test(value)) throw mustBe(field, wanted, value);
    return value;
  };

export const oneOf =
  <const T extends string>(...choices: readonly T[]): Read<T> =>
  (value, field) => {
    if (!choices.includes(value as T)) throw mustBe(field, `one of ${choices.join(", ")}`, value);
    return value as T;
  };

export const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value, field) =>
    value === null ? null : read(value, field);

export const optional =
  <T>(read: Read<T>): Read<T | undefined> =>
  (value, field) =>
    value === undefined ? undefined : read(value, field);

export const listOf =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value, field) => {
    if (!Array.isArray(value)) throw mustBe(field, "a list", value);
    return value.map((item, index) => read(item, `${field}[${index}]`));
  };

type Fields = Readonly<Record<string, Read<unknown>>>;
type Whole<F extends Fields> = { readonly [N in keyof F]: ReturnType<F[N]> };

/** All fields; one that is absent is read as undefined. */
export const object =
  <F extends Fields>(fields: F): Read<Whole<F>> =>
  (value, field) => {
    const given = knownFields(value, field, fields);
    return Object.fromEntries(
      Object.entries(fields).map(([name, read]) => [name, read(given[name], `${field}.${name}`)]),
    ) as Whole<F>;
  };

/** Only the fields that are given. */
export const partOf =
  <F extends Fields>(fields: F): Read<Partial<Whole<F>>> =>
  (value, field) => {
    const given = knownFields(value, field, fields);
    return Object.fromEntries(
      Object.entries(given)
        .filter(([, item]) => item !== undefined)
        .map(([name, item]) => [name, fields[name]!(item, `${field}.${name}`)]),
    ) as Partial<Whole<F>>;
  };

function knownFields(value: unknown, field: string, fields: Fields): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mustBe(field, "an object", value);
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined)
    throw new TypeError(`${field} has no ${unknown}; there are ${Object.keys(fields).join(", ")}`);
  return value as Readonly<Record<string, unknown>>;
}
