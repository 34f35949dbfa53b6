/** Makes the kind of server that an address gets: plain, or with TLS that follows the web configuration. */
import type { RequestListener, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { http, https } from "../runtime/http/modules.ts";
import type { Logger } from "../runtime/log.ts";
import { serverOptions, type Limits } from "./limits.ts";
import { asksForCertificate, isWelcome } from "./tls.ts";
import type { Web, WebState } from "./web.ts";

/** Loaded before there is a configuration, while another process reads it. */
const plain = http();

/** The reason instead, while the web configuration is of no use: never a server with less protection than it asks for. */
export function createEndpointServer(
  web: Web | undefined,
  dispatch: RequestListener,
  limits: Limits,
  log: Logger,
): Server | TlsServer | string {
  const state = web?.current();
  if (typeof state === "string") return state;
  const server =
    web === undefined || state?.tls === undefined
      ? plain.createServer(serverOptions(limits), dispatch)
      : tlsServer(web, state.tls, dispatch, limits);
  // Bodies are refused, so nobody is asked to go on and send one.
  server.on("checkContinue", dispatch);
  server.once("listening", () => {
    web?.onChange((changed) => follow(server, state?.tls, changed, log));
  });
  return server;
}

type Tls = NonNullable<WebState["tls"]>;

function tlsServer(web: Web, tls: Tls, dispatch: RequestListener, limits: Limits): TlsServer {
  const asks = asksForCertificate(tls.config);
  const server = https().createServer(
    {
      ...serverOptions(limits),
      ...tls.options,
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: limits.headersMs,
      requestCert: asks,
      // Judged below, by the configuration of that moment.
      rejectUnauthorized: false,
    },
    dispatch,
  );
  // A new certificate is in force for the very connection that makes us look.
  server.prependListener("connection", () => void web.current());
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    const now = web.current();
    const config = typeof now === "string" ? tls.config : (now.tls?.config ?? tls.config);
    if (!isWelcome(socket, config)) socket.destroy();
  });
  return server;
}

/** Whether a server speaks TLS, and asks for certificates, is settled when it is made. */
function follow(server: Server | TlsServer, before: Tls | undefined, { tls }: WebState, log: Logger): void {
  if ((before === undefined) !== (tls === undefined))
    log.warn("web.config_file turned TLS on or off: restart the agent to apply it");
  if (before === undefined || tls === undefined) return;
  if (asksForCertificate(before.config) !== asksForCertificate(tls.config))
    log.warn("web.config_file turned client certificates on or off: restart the agent to apply it");
  if ("setSecureContext" in server) server.setSecureContext(tls.options);
  // Kept connections come back and are judged anew.
  server.closeIdleConnections();
}
