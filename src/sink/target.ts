/** Tells one receiver, and whose data it holds there, from another without naming it: by address, query, account and tenant. */
import { createHash } from "node:crypto";
import type { HttpSettings } from "../runtime/http/schema.ts";

/** Of X-Scope-OrgID and the like; the values of other headers may be credentials, and change without another tenant. */
const tenantHeader = /org|tenant|account|project|namespace|database/i;

export function targetOf({ origin, pathname, search, username }: URL, settings: HttpSettings): string {
  const tenants = Object.entries(settings.headers ?? {})
    .filter(([name]) => tenantHeader.test(name))
    .map(([name, value]) => `${name.toLowerCase()}: ${value.reveal()}`);
  const account = settings.basic_auth?.username ?? username;
  return createHash("sha256")
    .update([`${origin}${pathname}${search}`, account, ...tenants.toSorted()].join("\n"))
    .digest("hex")
    .slice(0, 16);
}
