/**
 * Owns the bill of materials: what is in the bundle as CycloneDX, from `npm sbom`.
 *
 * Every library is a development dependency, since users get a bundle; so npm's own list is of what builds it. Kept are the
 * packages whose code is in the bundle. The same sources give the same bytes: npm's random number and time are left out.
 */
import { spawnSync } from "node:child_process";
import type { Metafile } from "esbuild";
import { bundledPackages } from "./notices.ts";

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly properties?: readonly { readonly name: string }[];
}

interface Bom {
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** @throws Error when npm does not know a package that is in the bundle */
export function billOfMaterials(metafile: Pick<Metafile, "inputs">, root: string): Bom {
  return only(new Set(bundledPackages(metafile, root).map(nameOf)), npmBom(root));
}

function npmBom(root: string): Bom {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"];
  const { status, stdout, stderr, error } = spawnSync("npm", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`cannot run npm ${args.join(" ")}: ${error?.message ?? stderr.trim()}`);
  return JSON.parse(stdout) as Bom;
}

function only(wanted: ReadonlySet<string>, { serialNumber: _random, metadata, ...bom }: Bom): Bom {
  const components = bom.components.filter((one) => wanted.has(nameOf(one)));
  const missing = [...wanted].filter((name) => !components.some((one) => nameOf(one) === name));
  if (missing.length > 0)
    throw new Error(`unexpected bundle: got ${missing.join(", ")}, want what npm knows`);
  const { timestamp: _time, ...steady } = metadata;
  const refs = new Set(components.map((one) => one["bom-ref"]));
  return {
    ...bom,
    metadata: steady,
    components: components.map(shipped),
    dependencies: bom.dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
      .concat({ ref: metadata.component["bom-ref"], dependsOn: [...refs] }),
  };
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
