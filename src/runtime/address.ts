/** The address that a server listens on, as people write it: `127.0.0.1:9127`, `[::1]:9127`, `:9127`. */
import { BlockList, isIP, createServer } from "node:net";
import { causeOf } from "./cause.ts";

export interface ListenAddress {
  /** Empty for every interface. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
}

/** Undefined for anything else than `host:port`. */
export function parseAddress(text: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+(?:%\w+)?)\]|([^\s:[\]/@]*)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? "", port };
}

/** An IPv6 address gets its brackets. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/** Whether only this machine can reach the host, given without brackets; an address in any spelling. */
export function isLoopback(host: string): boolean {
  const family = isIP(host);
  return host === "localhost" || (family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6"));
}

/** Takes the address for a moment; why it could not be had, or nothing. */
export function listenObstacle({ host, port }: ListenAddress): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error) => resolve(causeOf(error)));
    server.listen({ port, ...(host !== "" && { host }) }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

/** The warning about an address that others can reach without authentication; undefined for all others. */
export function exposureWarning(address: ListenAddress, authenticated: boolean): string | undefined {
  if (authenticated || isLoopback(address.host)) return undefined;
  return `${formatAddress(address)} can be reached from the network without authentication: set web.config_file with basic_auth_users or client certificates, or listen on 127.0.0.1`;
}
