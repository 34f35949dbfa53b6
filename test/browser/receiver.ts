/** A remote write receiver of version 1 that takes everything, an exporter besides, and can be stopped and started on the same port. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface ToggledReceiver extends AsyncDisposable {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function openReceiver(): Promise<ToggledReceiver> {
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const stop = async (): Promise<void> => {
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}/api/v1/write`,
    stop,
    async start() {
      server = await listen(port);
    },
    async [Symbol.asyncDispose]() {
      if (server.listening) await stop();
    },
  };
}

async function listen(port: number): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    if (request.method === "GET") response.writeHead(200, { "content-type": "text/plain" }).end("a 1\n");
    else request.on("end", () => void response.writeHead(204).end());
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return server;
}
