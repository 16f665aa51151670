import { type ResponseClass, responseClassOf } from "./response-codes.ts";

/** What an institution answered. */
export interface InstitutionAnswer {
  /** The HTTP status, where the body has no code. */
  readonly code: string;
  readonly class: ResponseClass;
  readonly message: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Not to come back before; undefined: it does not say. */
  readonly retryAfterMs: number | undefined;
  /** Wall clock. */
  readonly maintenanceUntilMs: number | undefined;
}

/** More than the 500 entries of a page can be. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const SECOND_MS = 1_000;
const MESSAGE_MAX = 200;

/** Reads an answer to its end. The code in the body decides, whatever the HTTP status says; a body that is none is trouble that may pass. */
export async function readAnswer(response: Response): Promise<InstitutionAnswer> {
  const text = await readText(response);
  const body = text === undefined ? {} : objectOf(text);
  const given = typeof body["rsp_code"] === "string" ? body["rsp_code"] : undefined;
  const code = given ?? String(response.status);
  return {
    code,
    class: given === undefined ? classOfStatus(response.status) : classOf(given, response.ok),
    message: typeof body["rsp_msg"] === "string" ? body["rsp_msg"].slice(0, MESSAGE_MAX) : "no readable body",
    body,
    retryAfterMs: retryAfterOf(response.headers.get("retry-after")),
    maintenanceUntilMs: timeOf(body["maintenance_until"]),
  };
}

/** Undefined: it is longer than any answer may be. */
async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A refusal that calls itself a success is none. */
const classOf = (code: string, isOk: boolean): ResponseClass => {
  const found = responseClassOf(code);
  return found === "ok" && !isOk ? "temporary" : found;
};

const classOfStatus = (status: number): ResponseClass => {
  if (status === 401) return "token";
  return status === 429 ? "throttled" : "temporary";
};

/** In seconds; dates are not used by institutions. */
function retryAfterOf(header: string | null): number | undefined {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * SECOND_MS : undefined;
}

function timeOf(text: unknown): number | undefined {
  const timeMs = typeof text === "string" ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs;
}
