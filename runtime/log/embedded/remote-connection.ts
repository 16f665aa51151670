import { connect, type Socket } from "node:net";
import type { Clock } from "../../time/clock.ts";
import { connectionLost } from "./connection-lost.ts";
import { encodeFrame, FrameReader } from "./frames.ts";
import { PROTOCOL, type RemoteMethod, type RemoteMethods, type Response } from "./protocol.ts";
import { closed } from "./refusals.ts";
import { fromWireError } from "./wire-errors.ts";

interface Pending {
  readonly bytes: number;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** Bytes of calls without an answer; beyond, calls wait for their turn. */
const PENDING_BYTES_MAX = 32 * 1024 * 1024;

export interface ConnectOptions {
  readonly clock: Clock;
  /** An owner that does not answer for so long counts as none. */
  readonly patienceMs: number;
}

/** Connects to the owner of a data directory. The error of the socket passes through if there is none. */
export async function connectToOwner(
  socketPath: string,
  { clock, patienceMs }: ConnectOptions,
): Promise<RemoteConnection> {
  const socket = connect(socketPath);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve();
    });
  });
  const connection = new RemoteConnection(socket, socketPath);
  const cancel = clock.after(patienceMs, () => socket.destroy());
  try {
    await connection.call("hello", PROTOCOL);
    return connection;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    cancel();
  }
}

/** Calls over the socket. It keeps the process alive only while an answer is awaited. */
export class RemoteConnection {
  readonly #socket: Socket;
  readonly #socketPath: string;
  readonly #frames = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  readonly #turns: (() => void)[] = [];
  #pendingBytes = 0;
  #lastId = 0;
  #failure: Error | undefined;

  constructor(socket: Socket, socketPath: string) {
    this.#socket = socket;
    this.#socketPath = socketPath;
    socket.unref();
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => this.#end(connectionLost(socketPath, error)));
    socket.on("close", () => this.#end(connectionLost(socketPath)));
  }

  /** @throws LOG_CONNECTION_LOST, LOG_CLOSED, LOG_FRAME_TOO_LARGE, and what the method throws */
  async call<M extends RemoteMethod>(
    method: M,
    ...args: Parameters<RemoteMethods[M]>
  ): Promise<Awaited<ReturnType<RemoteMethods[M]>>> {
    const id = ++this.#lastId;
    const frame = encodeFrame({ id, method, args });
    while (
      this.#failure === undefined &&
      this.#pendingBytes > 0 &&
      this.#pendingBytes + frame.length > PENDING_BYTES_MAX
    ) {
      await new Promise<void>((resolve) => this.#turns.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
    const result = await new Promise<unknown>((resolve, reject) => {
      this.#pending.set(id, { bytes: frame.length, resolve, reject });
      this.#pendingBytes += frame.length;
      this.#socket.ref();
      this.#socket.write(frame);
    });
    return result as Awaited<ReturnType<RemoteMethods[M]>>;
  }

  async close(): Promise<void> {
    this.#end(closed("log"));
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    try {
      for (const { message } of this.#frames.push(chunk)) this.#settle(message as Response);
    } catch (error) {
      this.#end(connectionLost(this.#socketPath, error));
      this.#socket.destroy();
    }
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    if (pending === undefined) return;
    this.#pending.delete(response.id);
    this.#pendingBytes -= pending.bytes;
    if (this.#pending.size === 0) this.#socket.unref();
    this.#nextTurns();
    if ("error" in response) pending.reject(fromWireError(response.error));
    else pending.resolve(response.result);
  }

  #end(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const { reject } of this.#pending.values()) reject(failure);
    this.#pending.clear();
    this.#nextTurns();
  }

  #nextTurns(): void {
    for (const turn of this.#turns.splice(0)) turn();
  }
}
