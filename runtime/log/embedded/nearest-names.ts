/** Levenshtein distance: how many letters must be changed, added or removed. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(change, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** Up to three of the known names that were probably meant, the nearest first. */
export function nearestNames(name: string, known: Iterable<string>): readonly string[] {
  const distanceMax = Math.max(2, Math.floor(name.length / 4));
  const near: { readonly other: string; readonly far: number }[] = [];
  for (const other of known) {
    if (Math.abs(other.length - name.length) > distanceMax) continue;
    const far = distance(name, other);
    if (far <= distanceMax) near.push({ other, far });
  }
  return near
    .sort((a, b) => a.far - b.far || (a.other < b.other ? -1 : 1))
    .slice(0, 3)
    .map(({ other }) => other);
}
