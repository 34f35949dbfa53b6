/** Owns a sink's name: readable, and the same as long as its destination and its configured name are. */
import { createHash } from "node:crypto";
import type { Sink } from "./sink.ts";

/** Credentials in the address are no part of it: they may change, and may not be told. */
export function sinkId(type: Sink["type"], destination: URL, name: string | undefined): string {
  const url = new URL(destination);
  url.username = url.password = "";
  const hash = createHash("sha256")
    .update(`${url.href}\n${name ?? ""}`)
    .digest("hex")
    .slice(0, 8);
  return `${type}/${name ?? url.host}-${hash}`;
}

/** Tells one receiver from another without naming it: by its address, whatever the credentials. */
export function targetOf({ origin, pathname }: URL): string {
  return createHash("sha256").update(`${origin}${pathname}`).digest("hex").slice(0, 16);
}
