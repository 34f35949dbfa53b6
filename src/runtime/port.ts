/** Finds out whether an address is free to listen on. */
import { createServer } from "node:net";
import type { ListenAddress } from "./address.ts";
import { causeOf } from "./cause.ts";

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
