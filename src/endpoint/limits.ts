/** How much of us a client may use: everything a peer can send, hold or delay has a bound. */
import type { ServerOptions } from "node:http";

export interface Limits {
  /** Per listen address. */
  readonly connections: number;
  /** Of one peer, by its address; others then find room whatever it does. */
  readonly connectionsPerPeer: number;
  /** Request line and headers together. */
  readonly headerBytes: number;
  /** From the connection, or the first byte of a further request, to the end of its headers. */
  readonly headersMs: number;
  /** From the same start to the end of the request. */
  readonly requestMs: number;
  /** Between requests; longer than the usual scrape interval of a minute, so that connections are kept. */
  readonly idleMs: number;
  /** Without a byte moving on a request that is being answered. */
  readonly stallMs: number;
  /** How often the two limits of a request are looked at, which is a wakeup each. */
  readonly checkMs: number;
  readonly requestsPerConnection: number;
  /** For requests in flight when the endpoint stops. */
  readonly graceMs: number;
}

export const defaultLimits: Limits = {
  connections: 64,
  connectionsPerPeer: 24,
  headerBytes: 8192,
  headersMs: 10_000,
  requestMs: 15_000,
  idleMs: 75_000,
  stallMs: 60_000,
  // A client that dawdles is harmless until then: those of one peer leave room for the others.
  checkMs: 30_000,
  requestsPerConnection: 10_000,
  graceMs: 1000,
};

/** What Node's server enforces by itself. */
export function serverOptions(limits: Limits): ServerOptions {
  return {
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.idleMs,
    connectionsCheckingInterval: limits.checkMs,
    noDelay: true,
  };
}
