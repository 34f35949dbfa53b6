/** Tells one receiver from another without naming it: by its address, whatever the credentials. */
import { createHash } from "node:crypto";

export function targetOf({ origin, pathname }: URL): string {
  return createHash("sha256").update(`${origin}${pathname}`).digest("hex").slice(0, 16);
}
