import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../runtime/time/system-clock.ts";
import { startInstitutions } from "../../scripts/institutions/start-institutions.ts";
import { send, settingsFromParent } from "../kafka/child.ts";

/** Institutions, or a bare server that has one answer for each path. */
export type ServerSettings =
  | { readonly kind: "institutions"; readonly seed: number }
  | { readonly kind: "bare"; readonly bodies: Readonly<Record<string, string>> };

export type ServerMessage =
  | { readonly kind: "listening"; readonly port: number }
  | { readonly kind: "used"; readonly cpuMs: number };

/** Says where it listens and, whenever it is asked, how much of the processor it has used so far. */
const settings = settingsFromParent<ServerSettings>();
process.on("message", () => {
  const { user, system } = process.cpuUsage();
  send({ kind: "used", cpuMs: (user + system) / 1_000 } satisfies ServerMessage);
});
send({
  kind: "listening",
  port: await (settings.kind === "bare" ? listenBare(settings.bodies) : listenInstitutions(settings.seed)),
} satisfies ServerMessage);

async function listenInstitutions(seed: number): Promise<number> {
  const institutions = await startInstitutions({
    clock: systemClock,
    seed,
    institutions: [{ id: "bank-01", industry: "bank" }],
  });
  return Number(new URL(institutions.address).port);
}

function listenBare(bodies: Readonly<Record<string, string>>): Promise<number> {
  const bytes = new Map(Object.entries(bodies).map(([path, body]) => [path, Buffer.from(body)]));
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      const body = bytes.get(request.url!)!;
      response.sendDate = false;
      response.writeHead(200, {
        "content-type": "application/json; charset=utf-8",
        "content-length": String(body.length),
        "x-api-tran-id": request.headers["x-api-tran-id"],
      });
      response.end(body);
    });
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)));
}
