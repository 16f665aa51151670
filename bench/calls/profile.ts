import { type Profiler, Session } from "node:inspector/promises";

/** Parts of what a job with calls does, by the files that do it; the first that fits. */
const PARTS: readonly (readonly [part: string, files: RegExp])[] = [
  ["p-queue", /node_modules\/p-queue\//],
  ["opossum", /node_modules\/opossum\//],
  ["order", /runtime\/resilience\/(call-|lanes|strict-order|parcel|disposition|input-progress|fifo)/],
  ["guard", /runtime\/(resilience|time)\//],
  ["commit", /runtime\/(log\/|worker\/commit|worker\/output-buffer)|state\/|node_modules\/(abstract|memory)-level\//],
  ["codec", /schemas\/|node_modules\/avsc\//],
  ["engine", /runtime\//],
  ["bench", /bench\/(calls|calls-[a-z]+\.ts)/],
];
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["(garbage collector)", "garbage"],
  ["runMicrotasks", "promises"],
]);
const SAMPLED_EACH_MICROS = 1_000;

/** Shares of the processor's time that parts of the program take while the work runs, the largest first. */
export async function profiled(
  work: () => Promise<unknown>,
): Promise<readonly (readonly [part: string, share: number])[]> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: SAMPLED_EACH_MICROS });
  await session.post("Profiler.start");
  await work();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return sharesIn(profile);
}

function sharesIn({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): readonly (readonly [string, number])[] {
  const nodeOf = new Map(nodes.map((node) => [node.id, node]));
  const parentOf = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const partOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parentOf.get(at)) {
      const { url, functionName } = nodeOf.get(at)!.callFrame;
      const found = OTHERS.get(functionName) ?? PARTS.find(([, files]) => files.test(url))?.[0];
      if (found !== undefined) return found;
    }
    return nodeOf.get(id)!.callFrame.functionName === "(idle)" ? "idle" : "node";
  };
  const micros = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const part = partOf(id);
    micros.set(part, (micros.get(part) ?? 0) + timeDeltas[index]!);
  }
  micros.delete("idle");
  const all = [...micros.values()].reduce((sum, each) => sum + each, 0);
  return [...micros].map(([part, each]) => [part, each / all] as const).sort(([, a], [, b]) => b - a);
}
