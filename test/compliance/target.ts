/** A target of scrapes: an HTTP server with an exposition for each path. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Exposition {
  readonly format: "text" | "openmetrics";
  readonly text: string;
}

/** What a scrape gets; undefined for a 503. */
export type Page = () => Exposition | undefined;

const types = {
  text: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;

/** Returns its address, host and port. @param pages by path */
export async function startTarget(t: TestContext, pages: ReadonlyMap<string, Page>): Promise<string> {
  const server = createServer(({ url = "" }, answer) => {
    const exposition = pages.get(url)?.();
    if (exposition === undefined) answer.writeHead(503).end();
    else answer.writeHead(200, { "content-type": types[exposition.format] }).end(exposition.text);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
