/**
 * Loads Node's HTTP and TLS. An ES import of `node:http` evaluates each of its exports, and its WebSocket brings
 * undici along: 30 ms at the start and 12 MB resident. TLS takes another 7 MB, which an agent without it never spends.
 */
import type * as Http from "node:http";
import type * as Https from "node:https";
import type * as Tls from "node:tls";

export function http(): typeof Http {
  return process.getBuiltinModule("node:http");
}

export function https(): typeof Https {
  return process.getBuiltinModule("node:https");
}

export function tls(): typeof Tls {
  return process.getBuiltinModule("node:tls");
}
