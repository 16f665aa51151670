/** Asks for the metrics at the URL of its argument once a second, as Prometheus does at its most eager, and says how long each answer took. */
const EVERY_MS = 1_000;
const url = process.argv[2]!;

process.on("disconnect", () => process.exit());

async function scrape(): Promise<void> {
  const startedMs = performance.now();
  const text = await (await fetch(`${url}/metrics`)).text();
  process.send?.({ tookMs: performance.now() - startedMs, lines: text.split("\n").length });
}

setInterval(() => void scrape(), EVERY_MS);
void scrape();
