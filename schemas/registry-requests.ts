import { MulgilError } from "./mulgil-error.ts";
import type { Compatibility } from "./registry.ts";

export interface ConfluentRegistryOptions {
  /** Without a slash at the end: `http://registry:8081`, or `…/apis/ccompat/v7` of an Apicurio registry. */
  readonly url: string;
  /** A password that is a function is asked for with every request, so that it can change. @default no authentication */
  readonly auth?: { readonly username: string; readonly password: string | (() => Promise<string>) };
  /** PEM text of the authorities to trust. @default those of the machine */
  readonly ca?: string;
  /** How long a question may take, with what is tried again because the registry fails or refuses connections. @default 10_000 */
  readonly requestTimeoutMs?: number;
}

/** What every request is given. */
interface Given {
  readonly signal: AbortSignal;
  readonly auth?: { readonly username: string; readonly password: string };
}

/** The requests of the registry client, as far as they are used. */
export interface RegistryApi {
  readonly Schema: { find(where: Given & { id: number }): Promise<Answer<SchemaText>> };
  readonly Subject: {
    all(where: Given): Promise<Answer<readonly string[]>>;
    latestVersion(where: Given & { subject: string }): Promise<Answer<VersionText>>;
    version(where: Given & { subject: string; version: number }): Promise<Answer<VersionText>>;
    config(where: Given & { subject: string }): Promise<Answer<{ readonly compatibilityLevel?: Compatibility }>>;
    updateConfig(where: Given & { subject: string; body: { compatibility: string } }): Promise<Answer<unknown>>;
    register(where: Given & { subject: string; body: { schema: string } }): Promise<Answer<{ readonly id: number }>>;
  };
}

export interface SchemaText {
  readonly schema: string;
  readonly schemaType?: string | null;
  readonly references?: readonly unknown[] | null;
}

export interface VersionText extends SchemaText {
  readonly id: number;
  readonly subject: string;
  readonly version: number;
}

interface Answer<T> {
  data(): T;
}

/** An answer as the client has it, before anything has looked at it. */
interface ClientResponse {
  status(): number;
  rawData(): unknown;
  /** Null if there was an answer. */
  error(): (Error & { readonly code?: string; readonly errors?: readonly Error[] }) | null;
  enhance(changes: { readonly status?: number; readonly rawData: string }): ClientResponse;
}

/** A registry that has failed is asked so often again, within a second. */
const RETRIES = 3;
const REQUEST_TIMEOUT_MS = 10_000;
const UNAUTHORIZED = 401;
const NOT_FOUND = 404;
const BAD_GATEWAY = 502;
const SHOWN_CHARACTERS_MAX = 200;

/** Questions to a registry, by the requests of @kafkajs/confluent-schema-registry; each has an end. */
export class RegistryRequests {
  readonly #api: RegistryApi;
  readonly #options: ConfluentRegistryOptions;

  private constructor(api: RegistryApi, options: ConfluentRegistryOptions) {
    this.#api = api;
    this.#options = options;
  }

  static async open(options: ConfluentRegistryOptions): Promise<RegistryRequests> {
    // Loaded by those who use it: it brings Protobuf and JSON Schema along.
    const [{ SchemaRegistry: Client }, { Agent }] = await Promise.all([
      import("@kafkajs/confluent-schema-registry"),
      import("node:https"),
    ]);
    const client = new Client({
      host: options.url.replace(/\/+$/, ""),
      retry: { retries: RETRIES },
      ...(options.ca !== undefined && { agent: new Agent({ ca: options.ca, keepAlive: true }) }),
    });
    const api = client["api"];
    // The first one is next to the connection: those behind it keep no more of an answer than its status and message.
    (api._manifest as unknown as { middleware: unknown[] }).middleware.unshift(onlyOfRegistries);
    return new RegistryRequests(api as unknown as RegistryApi, options);
  }

  /**
   * Undefined if there is no such thing.
   * @throws {MulgilError} SCHEMA_INCOMPATIBLE, SCHEMA_INVALID, REGISTRY_NOT_AUTHORIZED, REGISTRY_UNREACHABLE, also if it takes too long
   */
  async ask<T>(what: string, request: (api: RegistryApi, given: Given) => Promise<Answer<T>>): Promise<T | undefined> {
    const signal = AbortSignal.timeout(this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
    try {
      return (await this.#within(signal, request)).data();
    } catch (error) {
      const { status, message } = error as { status?: number; message: string };
      if (status === NOT_FOUND) return undefined;
      throw this.#refusal(what, status, signal.aborted ? "it took too long" : message, error);
    }
  }

  /** Not every connection that breaks ends its request. */
  async #within<T>(
    signal: AbortSignal,
    request: (api: RegistryApi, given: Given) => Promise<Answer<T>>,
  ): Promise<Answer<T>> {
    const { promise: over, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(signal.reason);
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([this.#given(signal).then((given) => request(this.#api, given)), over]);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  async #given(signal: AbortSignal): Promise<Given> {
    const { auth } = this.#options;
    if (auth === undefined) return { signal };
    const { username, password } = auth;
    return { signal, auth: { username, password: typeof password === "string" ? password : await asked(password) } };
  }

  #refusal(what: string, status: number | undefined, message: string, cause: unknown): MulgilError {
    const fail = (code: string, advice: string) =>
      new MulgilError(`could not ${what}: ${message}; ${advice}`, { code, cause });
    if (status === 409) return fail("SCHEMA_INCOMPATIBLE", "change the schema, or write to a new topic");
    if (status === 422) return fail("SCHEMA_INVALID", "correct the schema");
    const { url } = this.#options;
    if (status === 401 || status === 403)
      return fail(
        "REGISTRY_NOT_AUTHORIZED",
        `check user and password of the schema registry ${url}, and what that user may do`,
      );
    return fail("REGISTRY_UNREACHABLE", `is the schema registry running at ${url}, path included?`);
  }
}

async function asked(password: () => Promise<string>): Promise<string> {
  try {
    return await password();
  } catch (cause) {
    const message = `its password cannot be read: ${(cause as Error).message}`;
    throw Object.assign(new Error(message, { cause }), { status: UNAUTHORIZED });
  }
}

/**
 * Tells what a registry has said from what stands in front of it: that has pages of its own for what it does not know, or cannot reach. Only a registry
 * gives its errors a number, so without one "not found" is not its word.
 */
const onlyOfRegistries = () => ({
  async response(next: () => Promise<ClientResponse>): Promise<ClientResponse> {
    try {
      return checked(await next());
    } catch (response) {
      throw checked(response as ClientResponse, true);
    }
  },
});

/** 40401 and its like. Others of the same family answer a path that they do not have with a bare 404. */
const isRegistryCode = (code: unknown): boolean => typeof code === "number" && Math.floor(code / 100) === NOT_FOUND;

function checked(response: ClientResponse, isFailure = false): ClientResponse {
  const error = response.error();
  if (error !== null) return response.enhance({ rawData: JSON.stringify({ message: connectionText(error) }) });
  const data = parsed(response.rawData());
  const isWord = typeof data === "object" && data !== null;
  const isKnown =
    response.status() !== NOT_FOUND || isRegistryCode((data as { error_code?: unknown } | null)?.error_code);
  if (isWord && isKnown) return response;
  const message = `status ${response.status()}, by something that is no schema registry: ${String(response.rawData()).slice(0, SHOWN_CHARACTERS_MAX)}`;
  const strange = response.enhance({
    status: isFailure && response.status() !== NOT_FOUND ? response.status() : BAD_GATEWAY,
    rawData: JSON.stringify({ message }),
  });
  if (isFailure) return strange;
  throw strange;
}

/** A connection that was tried at several addresses has an error without a message. */
const connectionText = ({ message, errors, code }: NonNullable<ReturnType<ClientResponse["error"]>>): string =>
  message || errors?.map((each) => each.message).join(", ") || code || "the connection failed";

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}
