/** The readers of a powermetrics document that are compared: ours in three depths, and packages. */
import { parse as parseFast } from "fast-plist";
import { parse as parseWithPlist } from "plist";
import { parsePlist } from "../../src/parse/plist/reader.ts";
import { parsePowermetrics } from "../../src/parse/powermetrics.ts";
import { parseWithSaxes } from "./saxes-plist.ts";
import { pipelinesTo } from "./workload.ts";

export type Read = (document: Buffer) => unknown;

const ownPlist: Read = (document) => parsePlist(document);
const ownSample: Read = (document) => parsePowermetrics(document);

/** Frame to snapshot; each document is given a time of its own by its window. */
function toSnapshot(): Read {
  const pipelines = pipelinesTo(() => undefined);
  return (bytes) => pipelines.powermetrics.frame({ bytes, receivedAt: 0 });
}

export const subjects = {
  "ours: what collectors want (parsePowermetrics)": () => ownSample,
  "ours: the whole document (parsePlist)": () => ownPlist,
  "ours: parse, collect, snapshot": toSnapshot,
  "saxes, an object of its events": (): Read => (document) => parseWithSaxes(document.toString("utf8")),
  "fast-plist": (): Read => (document) => parseFast(document.toString("utf8")) as unknown,
  "npm plist": (): Read => (document) => parseWithPlist(document.toString("utf8")),
} as const satisfies Readonly<Record<string, () => Read>>;

export type SubjectName = keyof typeof subjects;

export function isSubject(name: string): name is SubjectName {
  return Object.hasOwn(subjects, name);
}
