import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { encodeFrame, FrameReader } from "./frames.ts";
import type { Request, Response } from "./protocol.ts";
import { Session, type SessionServices } from "./session.ts";
import { toWireError } from "./wire-errors.ts";

export interface ServeOptions extends SessionServices {
  readonly socketPath: string;
}

export interface LogServer {
  /** Ends every connection and removes the socket. */
  close(): Promise<void>;
}

/** Calls of one connection that may run at a time, and the bytes of their arguments; beyond, the socket is not read. */
const CALLS_MAX = 1024;
const CALL_BYTES_MAX = 32 * 1024 * 1024;

/** Serves the log and the registry on a Unix socket that only this user may open. */
export async function serveLog({ socketPath, ...services }: ServeOptions): Promise<LogServer> {
  const connections = new Set<Connection>();
  const server = createServer((socket) => {
    const connection = new Connection(socket, new Session(services));
    connections.add(connection);
    socket.on("close", () => connections.delete(connection));
  });
  await listen(server, socketPath);
  await chmod(socketPath, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.destroy();
      }),
  };
}

const listen = (server: Server, socketPath: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(socketPath, () => {
      server.off("error", reject);
      resolve();
    });
  });

/** One client. Whatever it sends, it can only harm its own connection. */
class Connection {
  readonly #socket: Socket;
  readonly #session: Session;
  readonly #frames = new FrameReader();
  #calls = 0;
  #callBytes = 0;

  constructor(socket: Socket, session: Session) {
    this.#socket = socket;
    this.#session = session;
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("drain", () => this.#balance());
    // Without a listener an error of one connection would end the process; "close" follows and cleans up.
    socket.on("error", () => undefined);
    socket.on("close", () => void session.close());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const { message, bytes } of this.#frames.push(chunk)) void this.#answer(requestOf(message), bytes);
    } catch {
      this.#socket.destroy();
    }
    this.#balance();
  }

  async #answer(request: Request, bytes: number): Promise<void> {
    this.#calls += 1;
    this.#callBytes += bytes;
    const response = await this.#call(request);
    this.#calls -= 1;
    this.#callBytes -= bytes;
    if (this.#socket.writable) this.#socket.write(encoded(response));
    this.#balance();
  }

  async #call({ id, method, args }: Request): Promise<Response> {
    try {
      if (!Object.hasOwn(this.#session.methods, method)) throw new TypeError(`there is no method "${method}"`);
      const call = this.#session.methods[method] as (...args: readonly unknown[]) => Promise<unknown>;
      return { id, result: await call(...args) };
    } catch (error) {
      return { id, error: toWireError(error) };
    }
  }

  /** Stops reading while too much is under way in either direction. */
  #balance(): void {
    const isBusy = this.#calls >= CALLS_MAX || this.#callBytes >= CALL_BYTES_MAX || this.#socket.writableNeedDrain;
    if (isBusy) this.#socket.pause();
    else this.#socket.resume();
  }
}

/** @throws if it is none: then the peer is no client */
function requestOf(message: unknown): Request {
  const { id, method, args } = message as Partial<Request>;
  if (typeof id !== "number" || typeof method !== "string" || !Array.isArray(args)) {
    throw new TypeError("a frame that is not a request");
  }
  return { id, method, args };
}

function encoded(response: Response): Buffer {
  try {
    return encodeFrame(response);
  } catch (error) {
    return encodeFrame({ id: response.id, error: toWireError(error) });
  }
}
