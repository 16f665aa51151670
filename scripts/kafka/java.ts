import { existsSync, readdirSync } from "node:fs";
import path from "node:path";

/** The jars of folders, always in the same order: kept classes fit no other. What comes behind those that they were kept with does no harm. */
export const classPath = (...folders: readonly string[]): string =>
  folders
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(".jar"))
        .sort()
        .map((name) => path.join(folder, name)),
    )
    .join(":");

/** Where the classes of the programs in a folder are kept. */
export const keptClassesOf = (jars: string): string => `${jars}.jsa`;

/** Java's options to begin with the classes that an earlier start has loaded and checked, if they are kept: half the work of a start. A JVM that they do not fit does without. */
export function withKeptClasses(jars: string): readonly string[] {
  const file = keptClassesOf(jars);
  return existsSync(file) ? [`-XX:SharedArchiveFile=${file}`, "-Xlog:cds=off", "-Xlog:cds+dynamic=off"] : [];
}
