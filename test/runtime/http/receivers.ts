/** Receivers for the client's tests: real servers on loopback, well-behaved and raw, and their certificates. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import {
  createServer,
  request as httpRequest,
  type RequestListener,
  type Server as HttpServer,
} from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import {
  connect,
  createServer as createNetServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";

export { temporaryFolder } from "../../support/folder.ts";

export interface Receiver {
  readonly port: number;
  readonly url: URL;
  /** Sockets that were accepted since the start. */
  readonly accepted: Socket[];
  close(): Promise<void>;
}

async function listening(t: TestContext, server: Server | HttpServer, scheme: string): Promise<Receiver> {
  const accepted: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> => {
    for (const socket of accepted) socket.destroy();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  t.after(close);
  return { port, url: new URL(`${scheme}://127.0.0.1:${port}/`), accepted, close };
}

export function httpReceiver(t: TestContext, listener: RequestListener): Promise<Receiver> {
  return listening(t, createServer({ keepAliveTimeout: 0 }, listener), "http");
}

export function httpsReceiver(
  t: TestContext,
  options: ServerOptions,
  listener: RequestListener,
): Promise<Receiver> {
  const server = createHttpsServer(options, listener);
  server.on("tlsClientError", () => undefined);
  return listening(t, server, "https");
}

/** What a socket does after the first bytes of a request. */
export function rawReceiver(
  t: TestContext,
  answer: (socket: Socket, request: string) => void,
): Promise<Receiver> {
  const server = createNetServer((socket) => {
    socket.on("data", (bytes) => answer(socket, bytes.toString("latin1")));
  });
  return listening(t, server, "http");
}

export interface Proxy extends Receiver {
  /** Request lines and `proxy-authorization` headers, in order. */
  readonly seen: string[];
}

/** A proxy for both ways; it refuses everything with 407 while `credentials` are not sent. */
export async function httpProxy(t: TestContext, credentials?: string, tls?: ServerOptions): Promise<Proxy> {
  const seen: string[] = [];
  const want = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  const answer: RequestListener = (request, response) => {
    seen.push(`${request.method ?? ""} ${request.url ?? ""}`);
    if (want !== undefined && request.headers["proxy-authorization"] !== want) {
      response.writeHead(407).end();
      return;
    }
    const onward = httpRequest(
      request.url ?? "",
      { method: request.method ?? "GET", headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  };
  const server = tls === undefined ? createServer(answer) : createHttpsServer(tls, answer);
  server.on("connect", (request, client: Socket, head) => {
    seen.push(`CONNECT ${request.url ?? ""}`);
    client.on("error", () => undefined);
    if (want !== undefined && request.headers["proxy-authorization"] !== want) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    const target = new URL(`http://${request.url ?? ""}`);
    const upstream = connect(Number(target.port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.destroy());
    client.on("close", () => upstream.destroy());
  });
  return { ...(await listening(t, server, tls === undefined ? "http" : "https")), seen };
}

/** Why the TLS tests can't run here, or false. */
export const noOpenssl: string | false = hasOpenssl()
  ? false
  : "no openssl on this machine to make certificates with";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A self-signed certificate, made with options that OpenSSL and macOS' LibreSSL both have. */
export function selfSigned(folder: string, name: string, altNames: string): Certificate {
  const certFile = join(folder, `${name}.crt`);
  const keyFile = join(folder, `${name}.key`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyFile];
  const subject = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=${altNames}`];
  execFileSync("openssl", ["req", "-x509", ...key, "-out", certFile, "-days", "2", ...subject], {
    stdio: "ignore",
  });
  return { certFile, keyFile, cert: readFileSync(certFile), key: readFileSync(keyFile) };
}

/** A self-signed certificate whose time is over; `openssl ca` alone takes dates in every version. */
export function expired(folder: string): Certificate {
  const { keyFile, key } = selfSigned(folder, "expired", "IP:127.0.0.1");
  const [request, certFile, config] = ["expired.csr", "expired.crt", "ca.cnf"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(
    config,
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${folder}/index.txt\nnew_certs_dir=${folder}\nrand_serial=yes\nserial=${folder}/serial\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n`,
  );
  writeFileSync(join(folder, "serial"), "01\n");
  execFileSync("openssl", ["req", "-new", "-key", keyFile, "-out", request, "-subj", "/CN=expired"], {
    stdio: "ignore",
  });
  const dates = ["-startdate", "200101000000Z", "-enddate", "200102000000Z"];
  const files = ["-config", config, "-keyfile", keyFile, "-in", request, "-out", certFile];
  execFileSync("openssl", ["ca", "-selfsign", "-batch", "-notext", ...dates, ...files], { stdio: "ignore" });
  return { certFile, keyFile, cert: readFileSync(certFile), key };
}
