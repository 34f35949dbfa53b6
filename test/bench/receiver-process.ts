/**
 * The receiver of a measured push, in a process of its own: takes what is sent to /NAME/…, answers as Prometheus
 * would, and counts bytes and samples by NAME; serves GET /metrics for scrapers, and the counts at GET /counts.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gunzipSync } from "node:zlib";
import protobuf from "protobufjs/minimal.js";
import { uncompress } from "snappyjs";
import { expositions } from "./workload.ts";

const counts = new Map<string, { bytes: number; samples: number; requests: number }>();
const pages = process.argv.includes("--serve") ? expositions(120) : [];
let scrapes = 0;

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Occurrences of the field at the end of a path of field numbers. */
function countFields(bytes: Uint8Array, [number = 0, ...rest]: readonly number[]): number {
  const reader = protobuf.Reader.create(bytes);
  let found = 0;
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 !== number) reader.skipType(tag & 7);
    else if (rest.length === 0) {
      found++;
      reader.skipType(tag & 7);
    } else found += countFields(reader.bytes(), rest);
  }
  return found;
}

/** The data points of an export as the stock exporter writes it. */
function countJson(text: string): number {
  return text.split('"timeUnixNano"').length - 1;
}

function samplesIn(headers: IncomingMessage["headers"], body: Buffer): number {
  const type = headers["content-type"] ?? "";
  const encoding = headers["content-encoding"];
  if (encoding === "snappy")
    return countFields(uncompress(body), type.includes("v2.Request") ? [5, 2] : [1, 2]);
  const plain = encoding === "gzip" ? gunzipSync(body) : body;
  if (type.includes("json")) return countJson(plain.toString("utf8"));
  if (type.startsWith("text/plain")) return plain.toString("utf8").match(/^[^#\n]/gm)?.length ?? 0;
  // resource_metrics, scope_metrics, metrics, gauge or sum, data_points
  return countFields(plain, [1, 2, 2, 5, 1]) + countFields(plain, [1, 2, 2, 7, 1]);
}

async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const name = request.url?.split("/")[1] ?? "";
  const body = await bodyOf(request);
  const samples = samplesIn(request.headers, body);
  const before = counts.get(name) ?? { bytes: 0, samples: 0, requests: 0 };
  counts.set(name, {
    bytes: before.bytes + body.length,
    samples: before.samples + samples,
    requests: before.requests + 1,
  });
  response.writeHead(200, {
    "x-prometheus-remote-write-samples-written": String(samples),
    "x-prometheus-remote-write-histograms-written": "0",
    "x-prometheus-remote-write-exemplars-written": "0",
  });
  response.end();
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === "POST" || request.method === "PUT") {
    take(request, response).catch((error: unknown) => {
      response.writeHead(400).end(String(error));
    });
  } else if (request.url === "/counts") {
    response.end(JSON.stringify(Object.fromEntries(counts)));
  } else {
    response.setHeader("content-type", "text/plain; version=0.0.4");
    response.end(pages[scrapes++ % pages.length] ?? "");
  }
}

const port = Number(process.argv[2] ?? 0);
const server = createServer(answer).listen(port, "127.0.0.1", () => process.send?.(server.address()));
server.keepAliveTimeout = 120_000;
