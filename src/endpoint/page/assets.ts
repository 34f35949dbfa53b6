/**
 * Builds the page's script and style sheet. In development that happens when the first page is asked for; the
 * bundle holds them ready-made, since scripts/build.ts puts the result of `buildAssets` in the place of this module.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

/** All that is left of this module in the bundle. */
export async function buildAssets(): Promise<PageAssets> {
  return (await bundlePage()).assets;
}

interface PageBundle {
  readonly assets: PageAssets;
  /** What they are made of: the bundle's own list knows them as a text only. Paths are relative to the repository. */
  readonly metafile: Metafile;
}

export async function bundlePage(): Promise<PageBundle> {
  const { build } = await import("esbuild");
  const folder = fileURLToPath(new URL("client/", import.meta.url));
  const { outputFiles, metafile } = await build({
    absWorkingDir: fileURLToPath(new URL("../../../", import.meta.url)),
    entryPoints: { script: `${folder}main.ts`, style: `${folder}style.css` },
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";
  const icon = await readFile(`${folder}icon.svg`, "utf8");
  return { assets: { script: textOf(".js"), style: textOf(".css"), icon }, metafile };
}
