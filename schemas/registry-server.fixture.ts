import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * How it answers: as a registry does; not at all; with half of an answer, and then no more, or with the end of the connection; with a status, or
 * with a page of something else.
 */
export type Answering =
  | "well"
  | "never"
  | "half"
  | "cut"
  | { readonly status: number; readonly type?: string; readonly body?: string };

interface Version {
  readonly id: number;
  readonly schema: string;
}

/** A schema registry in few lines, over HTTP: ids by text, versions by subject, and rules. It can be taken away and come back. */
export class RegistryServer {
  /** Method and path of each, in order. */
  readonly requests: string[] = [];
  /** The header of each request. */
  readonly authorizations: (string | undefined)[] = [];
  readonly rules = new Map<string, string>();
  answering: Answering = "well";
  readonly #subjects = new Map<string, Version[]>();
  readonly #texts: string[] = [];
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Again where it was, if it was there before. */
  async start(): Promise<string> {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    await once(this.#server.listen(this.#port, "127.0.0.1"), "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.url;
  }

  /** Connections are refused from now on. */
  async stop(): Promise<void> {
    if (this.#server === undefined || !this.#server.listening) return;
    this.#server.closeAllConnections();
    await once(this.#server.close(), "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests.push(`${request.method} ${request.url}`);
    this.authorizations.push(request.headers.authorization);
    const body = await bodyOf(request);
    if (this.answering === "never") return;
    if (typeof this.answering === "object") {
      const { status, type = "application/json", body: page = '{"message":"not now"}' } = this.answering;
      response.writeHead(status, { "content-type": type }).end(page);
      return;
    }
    const answer = this.#answer(request.method!, decodeURIComponent(request.url!).split("/").slice(1), body);
    const text = JSON.stringify(answer ?? { error_code: 40401, message: "not found" });
    response.writeHead(answer === undefined ? 404 : 200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    if (this.answering === "well") response.end(text);
    else response.write(text.slice(0, 5), () => this.answering === "cut" && response.destroy());
  }

  #answer(
    method: string,
    [first, second, third, fourth]: readonly string[],
    body: { schema?: string; compatibility?: string },
  ): unknown {
    if (first === "schemas")
      return this.#texts[Number(third) - 1] === undefined ? undefined : { schema: this.#texts[Number(third) - 1] };
    if (first === "config" && method === "PUT") {
      this.rules.set(second!, body.compatibility!);
      return body;
    }
    if (first === "config")
      return this.rules.has(second!) ? { compatibilityLevel: this.rules.get(second!) } : undefined;
    if (second === undefined) return [...this.#subjects.keys()];
    const versions = this.#subjects.get(second) ?? [];
    if (method === "POST") return this.#register(second, versions, body.schema!);
    const version = fourth === "latest" ? versions.length : Number(fourth);
    return versions[version - 1] && { subject: second, version, ...versions[version - 1] };
  }

  #register(subject: string, versions: readonly Version[], schema: string) {
    if (!this.#texts.includes(schema)) this.#texts.push(schema);
    const id = this.#texts.indexOf(schema) + 1;
    this.#subjects.set(subject, [...versions, { id, schema }]);
    return { id };
  }
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, string>> {
  let text = "";
  for await (const part of request) text += part;
  return text === "" ? {} : JSON.parse(text);
}
