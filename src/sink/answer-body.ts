/** Reads the body of an answer for people: unpacked, and only its message where it is JSON or a google.rpc.Status. */
import type { ZlibOptions } from "node:zlib";
import type { HttpResponse } from "../runtime/http/http.ts";

const mostBytes = 256 * 1024;

/** Some gateways compress their errors although nobody asked for it. What can't be unpacked is named instead. */
export function unpacked(reply: HttpResponse): HttpResponse {
  const coding = (reply.headers["content-encoding"] ?? "").trim().toLowerCase();
  if (reply.body.length === 0 || coding === "" || coding === "identity") return reply;
  return { ...reply, body: unpack(reply.body, coding) ?? Buffer.from(`(${coding || "packed"})`) };
}

/** All of it, or where that is too much, the first part: 1 KB packed is at most 1 MB. */
function unpack(body: Buffer, coding: string): Buffer | undefined {
  return (
    unpackUpTo(body, coding, mostBytes) ?? unpackUpTo(body.subarray(0, 1024), coding, 4 * mostBytes + 65_536)
  );
}

function unpackUpTo(body: Buffer, coding: string, maxOutputLength: number): Buffer | undefined {
  const zlib = process.getBuiltinModule("node:zlib");
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants;
  // A body that was cut off gives what there is of it.
  const options: ZlibOptions = { maxOutputLength, finishFlush: Z_SYNC_FLUSH };
  try {
    switch (coding) {
      case "gzip":
      case "x-gzip":
        return zlib.gunzipSync(body, options);
      case "deflate":
        // With or without zlib's own frame around it (RFC 9110, section 8.4.1.2).
        return ((body[0] ?? 0) & 0x0f) === 8
          ? zlib.inflateSync(body, options)
          : zlib.inflateRawSync(body, options);
      case "br":
        return zlib.brotliDecompressSync(body, { maxOutputLength, finishFlush: BROTLI_OPERATION_FLUSH });
      case "zstd":
        return zlib.zstdDecompressSync(body, { maxOutputLength, finishFlush: ZSTD_e_flush });
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

/** Trimmed text; empty where there is none. */
export function messageOf({ headers, body, truncated }: HttpResponse): string {
  const type = headers["content-type"] ?? "";
  if (/^\s*application\/(?:x-)?protobuf\b/i.test(type)) {
    const message = statusMessage(body);
    if (message !== undefined) return message.trim();
  }
  const text = body.toString("utf8").trim();
  const isJson = !truncated && (/\bjson\b/i.test(type) || text.startsWith("{"));
  return (isJson ? jsonMessage(text) : undefined) ?? text;
}

/** google.rpc.Status{1 code, 2 message}, with which OTLP receivers refuse (OTLP specification, "Failures"). */
function statusMessage(body: Buffer): string | undefined {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < body.length && factor < 2 ** 49; factor *= 128) {
      const byte = body[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return Infinity;
  };
  while (at < body.length) {
    const tag = varint();
    if (tag === 0x08) varint();
    else if (tag % 8 !== 2) return undefined;
    else {
      const end = varint() + at;
      if (end > body.length) return undefined;
      if (tag === 0x12) return body.toString("utf8", at, end);
      at = end;
    }
  }
  return undefined;
}

/** Where the receivers of this field put it: google.rpc.Status, VictoriaMetrics and Prometheus' API, gateways. */
const messageKeys = [
  "message",
  "error",
  "errorMessage",
  "error_description",
  "detail",
  "msg",
  "reason",
  "title",
];

function jsonMessage(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === "string") return value.trim();
  return messageIn(value, 3);
}

function messageIn(value: unknown, depth: number): string | undefined {
  if (typeof value !== "object" || value === null || depth === 0) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const key of messageKeys) {
    const found = fields.get(key);
    if (typeof found === "string" && found.trim() !== "") return found.trim();
    const inner = messageIn(found, depth - 1);
    if (inner !== undefined) return inner;
  }
  return messageIn(Array.isArray(value) ? value[0] : fields.get("errors"), depth - 1);
}
