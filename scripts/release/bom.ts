/**
 * Writes the bill of materials: what is in the bundle as CycloneDX, from `npm sbom`, and the Node.js that releases bring along.
 *
 * Every library is a development dependency, since users get a bundle; so npm's own list is of what builds it. Kept are the
 * packages whose code is in the bundle. The same sources and npm give the same bytes: npm's random number and time are left out,
 * and the name it takes from the folder.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { bundledPackages, nodeLicense } from "./notices.ts";
import type { Runtime } from "./runtimes.ts";

interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly description?: string;
  readonly cpe?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly unknown[];
  readonly properties?: readonly { readonly name: string }[];
}

export interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly version: number;
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** @param runtimes those that come along @throws Error when npm does not know a package that is in the bundle */
export function billOfMaterials(
  metafile: Pick<Metafile, "inputs">,
  root: string,
  runtimes: readonly Runtime[] = [],
): Bom {
  const { serialNumber: _random, metadata, ...bom } = npmBom(root);
  const { timestamp: _time, component, ...steady } = metadata;
  const packages = bundled(new Set(bundledPackages(metafile, root).map(nameOf)), bom.components);
  const brought = runtimes.map(broughtAlong);
  const components = [...packages, ...brought];
  const refs = new Set(components.map((one) => one["bom-ref"]));
  const self = { ...component, ...selfIn(root) };
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
    .concat(brought.map((one) => ({ ref: one["bom-ref"], dependsOn: [] })));
  return {
    ...bom,
    metadata: { ...steady, component: self },
    components,
    dependencies: [...dependencies, { ref: self["bom-ref"], dependsOn: [...refs] }],
  };
}

export function bomText(bom: Bom): string {
  return `${JSON.stringify(bom, null, 2)}\n`;
}

/** To npm the package that it runs in is called as its folder. */
function selfIn(root: string): Pick<Component, "bom-ref" | "name" | "version" | "purl"> {
  const { name, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Component;
  return { "bom-ref": `${name}@${version}`, name, version, purl: `pkg:npm/${name}@${version}` };
}

function npmBom(root: string): Bom {
  const format = ["--sbom-format", "cyclonedx", "--sbom-type", "application"];
  // Where NODE_ENV says production, npm leaves out development dependencies: all there are.
  const args = ["sbom", ...format, "--package-lock-only", "--include", "dev"];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`cannot run npm ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return JSON.parse(stdout) as Bom;
}

function bundled(wanted: ReadonlySet<string>, known: readonly Component[]): readonly Component[] {
  const components = known.filter((one) => wanted.has(nameOf(one))).map(shipped);
  const missing = [...wanted].filter((name) => !components.some((one) => nameOf(one) === name));
  if (missing.length > 0)
    throw new Error(`unexpected bundle: got ${missing.join(", ")}, want what npm knows`);
  return components;
}

/** To npm it is there for development only; to the bundle's user it is part of the program. */
function shipped(component: Component): Component {
  const properties = component.properties?.filter(({ name }) => name !== "cdx:npm:package:development") ?? [];
  return { ...component, scope: "required", properties };
}

/** Known vulnerabilities of Node.js are filed under its CPE, not under the packages that carry it. */
function broughtAlong({ package: name, version, platform, integrity }: Runtime): Component {
  const ref = `${name}@${version}`;
  return {
    "bom-ref": ref,
    type: "platform",
    name,
    version,
    scope: "required",
    description: `Node.js in the archive for ${platform}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    purl: `pkg:npm/${ref}`,
    hashes: [{ alg: "SHA-512", content: hexOf(integrity) }],
    licenses: [{ license: { name: nodeLicense } }],
  };
}

function hexOf(integrity: string): string {
  return Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
}

function nameOf({ name, version }: Pick<Component, "name" | "version">): string {
  return `${name}@${version}`;
}
