import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Folders whose files take a minute and more. What else there is takes seconds, and fills the gaps at the end. */
const SLOW = ["/test/kafka/", "/test/simulation/", "/test/cli/", "/test/incidents/"];

/** Begins with the slow files, so that none runs on alone when all others have ended; otherwise the order that Vitest takes. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((left, right) => rank(left) - rank(right));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const found = SLOW.findIndex((folder) => moduleId.includes(folder));
  return found === -1 ? SLOW.length : found;
}
