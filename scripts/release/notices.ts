/** Collects the third-party notices: the licence of every package that is in the bundle, and of Node.js where it comes along. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

interface Notice {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

/** What Node.js is under; its LICENSE has the texts. */
export const nodeLicense = "MIT and others";

/** @param node where it comes along @throws Error for a package in the bundle that has no licence */
export function thirdPartyNotices(
  metafile: Pick<Metafile, "inputs">,
  root: string,
  node?: { version: string; license: Buffer },
): string {
  const runtime = node && {
    name: "Node.js",
    version: node.version,
    license: nodeLicense,
    text: node.license.toString("utf8"),
  };
  const notices = [...bundledPackages(metafile, root), ...(runtime ? [runtime] : [])];
  const intro = "mac-powermetrics-agent contains the following third-party software.\n";
  return [intro, ...new Set(notices.map(section))].join("\n");
}

/** Every package that has code in the bundle, by name. @throws Error for one that names no licence */
export function bundledPackages({ inputs }: Pick<Metafile, "inputs">, root: string): readonly Notice[] {
  const folders = new Set(Object.keys(inputs).flatMap((path) => packageFolder(path) ?? []));
  return [...folders]
    .map((folder) => noticeOf(join(root, folder)))
    .toSorted((a, b) => (label(a) < label(b) ? -1 : 1));
}

/** `node_modules/a/node_modules/@b/c/dist/x.js` is of `node_modules/a/node_modules/@b/c`. */
function packageFolder(path: string): string | undefined {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0];
}

function noticeOf(folder: string): Notice {
  const described = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  const { name, version, license } = described;
  if (typeof name !== "string" || typeof version !== "string" || typeof license !== "string")
    throw new Error(`${folder}/package.json must have name, version and license`);
  return { name, version, license, text: licenseText(folder) };
}

/** Some packages of one repository leave the file to their licence's name. */
function licenseText(folder: string): string {
  const file = readdirSync(folder).find((name) => /^(?:licen[cs]e|copying)(?:[.-]|$)/i.test(name));
  return file === undefined || !existsSync(join(folder, file))
    ? ""
    : readFileSync(join(folder, file), "utf8");
}

const label = ({ name, version }: Notice): string => `${name} ${version}`;

function section(notice: Notice): string {
  const line = "-".repeat(78);
  return `${line}\n${label(notice)} (${notice.license})\n${line}\n\n${notice.text.trim() || "Licensed as named above."}\n`;
}
