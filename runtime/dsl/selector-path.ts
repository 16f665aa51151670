const PATH_READER = /^\(?\s*([A-Za-z_$][\w$]*)\s*\)?\s*=>\s*\1((?:\s*\.\s*[A-Za-z_$][\w$]*)+)$/;

/**
 * The field path that a selector reads, if reading a path is all it does: `(v) => v.customer.id` gives "customer.id".
 * This is how two steps are seen to use the same key without comparing functions. It looks at the source of the function, and
 * knows one form only: to miss a path costs a needless repartition, to see one where there is more than a path (`v.id || "none"`) would
 * leave records under the wrong key.
 */
export function selectorPath(select: (value: never) => unknown): string | undefined {
  const path = PATH_READER.exec(select.toString().trim())?.[2];
  return path?.replaceAll(/\s/g, "").slice(1);
}
