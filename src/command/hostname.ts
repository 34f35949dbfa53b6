/** The name this machine goes by: its first host name of its own, kept since then, for macOS renames a Mac by the network it is in. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { stateFolder, type Place } from "../config/locate.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Clock, Timer } from "../runtime/clock.ts";
import { readPlain, writeAtomically } from "../runtime/files.ts";

const fileName = "hostname";

/** The kept name, or `present` where none was kept yet; `localhost` where there is not even one. */
export function keptHostname(place: Place, present: string): string {
  return readKept(place) ?? (present.trim() === "" ? "localhost" : present.trim());
}

/** A generic name that an earlier version kept counts as none. */
function readKept(place: Place): string | undefined {
  // The folder is the account's, and root reads it first.
  const path = join(stateFolder(place), fileName);
  try {
    const kept = readPlain(path, 1024, { noLink: true }).toString("utf8").trim();
    return isGenericHostname(kept) ? undefined : kept;
  } catch {
    return undefined;
  }
}

/** Keeps the name for later starts, unless many machines have it; why it could or should not, in one line, or nothing. */
export function keepHostname(place: Place, hostname: string): string | undefined {
  const folder = stateFolder(place);
  const path = join(folder, fileName);
  if (readKept(place) !== undefined) return undefined;
  if (isGenericHostname(hostname)) {
    return (
      `host name ${hostname} is one that many Macs have, so it is not kept and will be asked again; ` +
      "name the Mac (sudo scutil --set HostName NAME), or set global.instance, for example to ${SERIAL}"
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
    writeAtomically(path, `${hostname}\n`);
    return undefined;
  } catch (error) {
    return `cannot keep the host name in ${path}: ${causeOf(error)}; the instance label changes with the host name`;
  }
}

/** What macOS calls a Mac whose owner has not named it, after its model. */
const model =
  /^(?:mac|macbook|macbook-?(?:pro|air|neo)|mac-?(?:mini|studio|pro)|imac|imac-?pro|apple|(?:manageds?-)?virtual-?machine|virtual-?mac)$/;
/** Setup Assistant names a Mac after its first account, which on the Macs of one administrator is the same on all. */
const stockAccount =
  /^(?:admin|administrator|user|guest|test|apple|mac|macadmin|localadmin|root|runner|vagrant)s?-/;
/** So Bonjour renames a second and third Mac of one name. */
const number = /-[1-9][0-9]{0,2}$/;
const placeholder = /^(?:localhost[46]?|new-host|localdomain|broadcasthost|unknown|none|\(none\)|)$/;
/** A name that the network made of the address. */
const address = /(?:^|[^0-9])(?:[0-9]{1,3}[.-]){3}[0-9]{1,3}(?:[^0-9]|$)|^[0-9a-f]*:[0-9a-f:]+$/;
/** Domains of no organisation: those of Bonjour and of home routers. */
const nobodysDomain =
  /^(?:|local|lan|home|localdomain|internal|home\.arpa|fritz\.box|box|router|station|speedport\.ip|attlocal\.net|hsd1\..*)$/;

/** Whether another machine may well have the same name: no name to keep, or to tell a fleet apart by. */
export function isGenericHostname(hostname: string): boolean {
  const name = hostname.trim().toLowerCase().replace(/\.$/, "").slice(0, 255);
  if (address.test(name)) return true;
  const [first = "", ...domain] = name.split(".");
  if (placeholder.test(first) || isStockName(first)) return true;
  const unnumbered = first.replace(number, "");
  const isStock = isStockName(unnumbered) || /^(?:localhost|new-host)$/.test(unnumbered);
  return isStock && nobodysDomain.test(domain.join("."));
}

const isStockName = (name: string): boolean => model.test(name) || model.test(name.replace(stockAccount, ""));

const lookEveryMs = 60_000;

/** Calls back once, when a machine that had a generic name has got one of its own. */
export function awaitHostname(
  present: () => string,
  clock: Pick<Clock, "after">,
  onName: (hostname: string) => void,
): Disposable {
  let timer: Timer;
  function wait(): void {
    timer = clock.after(lookEveryMs, look, { background: true, align: "late" });
  }
  function look(): void {
    const name = present().trim();
    if (isGenericHostname(name)) wait();
    else onName(name);
  }
  wait();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}
