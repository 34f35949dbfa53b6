/**
 * Owns the making of the page's script and style sheet. In development they are made when the first page is asked for; the
 * bundle holds them ready-made, since scripts/build.ts puts the result of `buildAssets` in the place of this module.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

export interface PageAssets {
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

export async function buildAssets(): Promise<PageAssets> {
  const { build } = await import("esbuild");
  const folder = fileURLToPath(new URL("client/", import.meta.url));
  const { outputFiles } = await build({
    entryPoints: { script: `${folder}main.ts`, style: `${folder}style.css` },
    outdir: folder,
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";
  return { script: textOf(".js"), style: textOf(".css"), icon: await readFile(`${folder}icon.svg`, "utf8") };
}
