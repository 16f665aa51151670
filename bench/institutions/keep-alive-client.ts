import { connect, type Socket } from "node:net";

/** One HTTP response as text. */
export interface RawResponse {
  readonly status: number;
  readonly body: string;
}

interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  /** The bytes of the n-th request. */
  readonly request: (number: number) => string;
  /** Called for each response. */
  readonly check: (response: RawResponse) => void;
}

const HEAD_END = "\r\n\r\n";

/**
 * Keeps connections busy, with one request under way on each, and returns how many were answered a second. Written on sockets, because the HTTP client of Node
 * costs more than the server that is measured.
 */
export async function loadFor({ port, connections, seconds, request, check }: LoadOptions): Promise<number> {
  let [sent, answered] = [0, 0];
  const started = performance.now();
  const endMs = started + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, () =>
      onConnection(port, async (ask) => {
        while (performance.now() < endMs) {
          check(await ask(request(sent++)));
          answered++;
        }
      }),
    ),
  );
  return answered / ((performance.now() - started) / 1_000);
}

export type Ask = (request: string) => Promise<RawResponse>;

/** Uses one connection for one request after the other. */
export async function onConnection<T>(port: number, use: (ask: Ask) => Promise<T>): Promise<T> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  try {
    return await use((request) => askOn(socket, request));
  } finally {
    socket.destroy();
  }
}

function askOn(socket: Socket, request: string): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (chunk: Buffer) => {
      text += chunk.toString("latin1");
      const response = parsed(text);
      if (response === undefined) return;
      socket.off("data", take);
      socket.off("error", reject);
      resolve(response);
    };
    socket.on("data", take);
    socket.once("error", reject);
    socket.write(request);
  });
}

/** Undefined until all of it is there. */
function parsed(text: string): RawResponse | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const bodyStart = headEnd + HEAD_END.length;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)![1]);
  if (text.length < bodyStart + length) return undefined;
  return { status: Number(text.slice(9, 12)), body: text.slice(bodyStart) };
}
