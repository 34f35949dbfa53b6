/** One connection: for one exchange after another, each of which has it to itself. */
import type { Socket } from "node:net";

/** An exchange, as its connection sees it. */
export interface ConnectionUser {
  /** The connection stands, with TLS where it has any. */
  ready(): void;
  take(bytes: Buffer): void;
  /** The other side has said all that it will. */
  end(): void;
  /** It could not be opened, or is gone. Called at least once, unless the connection is released before. */
  lost(error: unknown): void;
}

/**
 *     opening ──► ready ──► used ◄──► kept        what comes while nobody uses it ends it
 *        └──────────┴────────┴─────────┴──► closed
 */
export class Connection {
  /** It has served an exchange before. */
  reused = false;
  isReady = false;
  isClosed = false;
  readonly #opening = new AbortController();
  #socket: Socket | undefined;
  #user: ConnectionUser | undefined;

  /** @param open gives a socket that is connecting; the signal calls it off */
  constructor(open: (signal: AbortSignal) => Socket | Promise<Socket>) {
    const socket = open(this.#opening.signal);
    // At once: an address that the system knows no way to fails before a promise can call back, and that ended the process.
    if (!(socket instanceof Promise)) this.#attach(socket);
    else
      socket.then(
        (one) => this.#attach(one),
        (error: unknown) => this.#lost(error),
      );
  }

  use(user: ConnectionUser): void {
    this.#user = user;
    this.#socket?.ref();
    if (this.isReady) user.ready();
  }

  /** @param written is called when the system has taken all of it */
  write(head: string, body: Uint8Array | undefined, written: () => void): void {
    const socket = this.#socket;
    socket?.cork();
    if (body === undefined || body.length === 0) socket?.write(head, "latin1", written);
    else {
      socket?.write(head, "latin1");
      socket?.write(body, written);
    }
    socket?.uncork();
  }

  /** For the next exchange; it does not keep the process alive meanwhile. */
  release(): void {
    this.reused = true;
    this.#user = undefined;
    this.#socket?.unref();
  }

  close(): void {
    this.isClosed = true;
    this.#user = undefined;
    this.#opening.abort();
    this.#socket?.destroy();
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    // The listeners stay for good: an error after the end would otherwise have nobody to go to, and end the process.
    socket.on("error", (error) => this.#lost(error));
    socket.on("close", () => this.#lost(closed()));
    socket.on("end", () => {
      this.#user?.end();
      // Now, for while our side has something to write that nobody reads, it would not be closed.
      this.#lost(closed());
    });
    socket.on("data", (bytes) => (this.#user === undefined ? this.close() : this.#user.take(bytes)));
    socket.once("encrypted" in socket ? "secureConnect" : "connect", () => {
      this.isReady = true;
      socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
      this.#user?.ready();
    });
    if (this.isClosed) socket.destroy();
  }

  #lost(error: unknown): void {
    this.isClosed = true;
    this.#user?.lost(error);
  }
}

function closed(): Error {
  return Object.assign(new Error("closed"), { code: "ECONNRESET" });
}

/**
 * Before the system asks a silent peer whether it is still there; after that each second, if nothing answers. Node's agent takes one second, which on
 * a connection that is used each 10 s is a packet a second, and keeps a laptop's radio awake.
 */
const keepAliveMs = 60_000;
