/**
 * Owns the bill of materials: what is in the bundle as CycloneDX, from `npm sbom`.
 *
 * Every library is a development dependency, since users get a bundle; so npm's own list is of what builds it. Kept are the
 * packages whose code is in the bundle. The same sources and npm give the same bytes: npm's random number and time are left out,
 * and the name it takes from the folder.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { bundledPackages } from "./notices.ts";

interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string }[];
}

interface Bom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly version: number;
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** @throws Error when npm does not know a package that is in the bundle */
export function billOfMaterials(metafile: Pick<Metafile, "inputs">, root: string): Bom {
  const { serialNumber: _random, metadata, ...bom } = npmBom(root);
  const { timestamp: _time, component, ...steady } = metadata;
  const components = bundled(new Set(bundledPackages(metafile, root).map(nameOf)), bom.components);
  const refs = new Set(components.map((one) => one["bom-ref"]));
  const self = { ...component, ...selfIn(root) };
  const dependencies = bom.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }));
  return {
    ...bom,
    metadata: { ...steady, component: self },
    components,
    dependencies: [...dependencies, { ref: self["bom-ref"], dependsOn: [...refs] }],
  };
}

/** To npm the package that it runs in is called as its folder. */
function selfIn(root: string): Pick<Component, "bom-ref" | "name" | "version"> & { readonly purl: string } {
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

function nameOf({ name, version }: Pick<Component, "name" | "version">): string {
  return `${name}@${version}`;
}

export function bomText(bom: Bom): string {
  return `${JSON.stringify(bom, null, 2)}\n`;
}
