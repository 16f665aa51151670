/** The fields that are left out below some place of a value. */
export interface FieldTree {
  readonly below: ReadonlyMap<string, FieldTree>;
  /** The whole path, if the field itself is left out. */
  readonly path: string | undefined;
}

interface GrowingTree extends FieldTree {
  readonly below: Map<string, GrowingTree>;
  path: string | undefined;
}

/** @param paths names of fields joined by dots, through arrays and maps as if they were not there: "address.street", "cards.number" */
export function fieldTreeOf(paths: readonly string[]): FieldTree {
  const root = grown();
  for (const path of paths) {
    let tree = root;
    for (const name of path.split(".")) {
      const next = tree.below.get(name) ?? grown();
      tree.below.set(name, next);
      tree = next;
    }
    tree.path = path;
  }
  return root;
}

const grown = (): GrowingTree => ({ below: new Map(), path: undefined });
