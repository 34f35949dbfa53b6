/** Looks up what identifies this Mac and its people, so that it can be hidden wherever it stands. */
import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { hostname, networkInterfaces, userInfo } from "node:os";
import { pathOf, runTool, type Machine } from "./machine.ts";
import type { Identity } from "./redact.ts";

interface Question {
  readonly argv: readonly string[];
  readonly read: (text: string) => readonly Identity[];
}

const scutilNames = ["ComputerName", "LocalHostName", "HostName"] as const;
/** Apple gives people numbers from here on; below are the system's own accounts. */
const firstPersonId = 500;

export type Surroundings = Pick<Machine, "clock" | "environment" | "commands" | "isMac" | "users" | "prefix">;

/** Who called us, as far as the environment says. */
export function usersOf(where: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}): readonly (string | undefined)[] {
  const { env, home } = where;
  return [env["USER"], env["LOGNAME"], env["SUDO_USER"], basename(home)];
}

/** Never rejects: what cannot be asked is left to the patterns. */
export async function lookUpIdentities(
  machine: Surroundings,
  signal: AbortSignal,
): Promise<readonly Identity[]> {
  const answers = await Promise.all(
    questions(machine).map(async ({ argv, read }) => {
      const { stdout } = await runTool(machine, argv, { signal, limitMs: 3000 });
      return read(stdout);
    }),
  );
  return [...ownIdentities(machine), ...answers.flat()];
}

function questions(machine: Surroundings): readonly Question[] {
  const at = (path: string): string => pathOf(machine, path);
  const kernel: Question = {
    argv: [...machine.commands.sysctl, "-n", "kern.hostname"],
    read: (text) => hostNames(firstLine(text.replace(/^kern\.hostname\s*[:=]/, ""))),
  };
  if (!machine.isMac) return [kernel];
  const ioreg = (...args: readonly string[]): Question => ({
    argv: [at("/usr/sbin/ioreg"), "-w0", ...args],
    read: hardware,
  });
  return [
    kernel,
    ...scutilNames.map((name) => ({
      argv: [at("/usr/sbin/scutil"), "--get", name],
      read: (text: string) => hostNames(firstLine(text)),
    })),
    ioreg("-rd1", "-c", "IOPlatformExpertDevice"),
    ioreg("-rd1", "-n", "AppleSmartBattery"),
    { argv: [at("/usr/bin/dscl"), ".", "-list", "/Users", "UniqueID"], read: people },
    { argv: [at("/usr/bin/dscl"), ".", "-list", "/Users", "RealName"], read: realNames },
    { argv: [at("/usr/sbin/ipconfig"), "getsummary", "en0"], read: wireless },
    { argv: [at("/usr/sbin/networksetup"), "-getairportnetwork", "en0"], read: wireless },
  ];
}

function firstLine(text: string): string {
  const [line = ""] = text.trim().split("\n");
  return line.trimEnd();
}

/** The whole name, the machine's part of it, which also stands alone, and the domain of a company or a household. */
function hostNames(name: string): readonly Identity[] {
  const [label = "", ...domain] = name.split(".");
  const isNumeric = /^[\d.]+$/.test(name);
  const parts =
    domain.length === 0 || isNumeric ? [] : [label, ...(domain.length > 1 ? [domain.join(".")] : [])];
  return [name, ...parts].filter((value) => value !== "").map((value) => ({ kind: "host", value }));
}

/** `"IOPlatformSerialNumber" = "C02XYZ"`, `"Serial" = "F8Y…"`. */
function hardware(text: string): readonly Identity[] {
  return [...text.matchAll(/"([^"\n]+)" = (?:"([^"\n]+)"|<([0-9a-f]+)>)/gi)].flatMap(
    ([, key = "", quoted, bytes = ""]) => {
      if (!/serial|uuid/i.test(key)) return [];
      const value = quoted ?? Buffer.from(bytes, "hex").toString("latin1").replaceAll("\0", "");
      return [{ kind: /uuid/i.test(key) ? ("uuid" as const) : ("serial" as const), value }];
    },
  );
}

function people(text: string): readonly Identity[] {
  return [...text.matchAll(/^(\S+)\s+(\d+)$/gm)].flatMap(([, value = "", id]) =>
    Number(id) >= firstPersonId ? [{ kind: "user", value }] : [],
  );
}

function realNames(text: string): readonly Identity[] {
  return [...text.matchAll(/^(\S+)\s+(\S.*)$/gm)].flatMap(([, account = "", name = ""]) =>
    account.startsWith("_") || ["root", "daemon", "nobody"].includes(account) ? [] : personNamed(name),
  );
}

/** The whole and its parts: a host is often named after the first of them. */
function personNamed(name: string): readonly Identity[] {
  return [name, ...name.split(/\s+/)].map((value) => ({ kind: "user", value }));
}

function wireless(text: string): readonly Identity[] {
  return [...text.matchAll(/^[ \t]*(?:B?SSID[ \t]*:|Current Wi-Fi Network:)[ \t]*(\S.*)$/gim)].map(
    ([, value = ""]) => ({
      kind: "network",
      value,
    }),
  );
}

function ownIdentities({ users: named, prefix }: Surroundings): readonly Identity[] {
  const interfaces = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  const addresses = interfaces
    .filter(({ internal }) => !internal)
    .flatMap(({ address, mac }) => [address, mac])
    .filter((value) => value !== "00:00:00:00:00:00");
  const users = [currentUser(), ...named, ...homes(`${prefix}/Users`), ...homes(`${prefix}/home`)];
  return [
    ...hostNames(hostname()),
    ...users.flatMap((value): Identity[] =>
      value === undefined || value === "" ? [] : [{ kind: "user", value }],
    ),
    ...addresses.map((value): Identity => ({ kind: "address", value })),
  ];
}

function currentUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // A number without an account, as in a container.
    return undefined;
  }
}

function homes(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !/^(?:Shared|Guest|\..*)$/i.test(name));
  } catch {
    return [];
  }
}

const receiverKeys = /^(?:name|instance|username|server_name|client_id)$/;

/** Hosts, names and secrets that a configuration holds. */
export function configuredIdentities(value: unknown, key = ""): readonly Identity[] {
  if (typeof value === "string") {
    const hosts = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? hostsOf(value) : [];
    return [...hosts, ...(receiverKeys.test(key) ? [value] : [])].map((one) => ({
      kind: "receiver",
      value: one,
    }));
  }
  if (typeof value !== "object" || value === null) return [];
  if ("reveal" in value && typeof value.reveal === "function") return secretIn(value as { reveal(): string });
  return Object.entries(value).flatMap(([name, below]) =>
    configuredIdentities(below, Array.isArray(value) ? key : name),
  );
}

function hostsOf(url: string): readonly string[] {
  const parsed = URL.parse(url);
  return parsed === null
    ? []
    : [parsed.hostname, parsed.username, parsed.password].filter((one) => one !== "");
}

function secretIn(secret: { reveal(): string }): readonly Identity[] {
  try {
    return [{ kind: "secret", value: secret.reveal() }];
  } catch {
    // A file that cannot be read; the findings say so.
    return [];
  }
}
