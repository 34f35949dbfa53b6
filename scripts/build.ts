/**
 * Builds the bundle: src/entry.ts and all it needs become dist/, which runs on Node without any package, names whose code it has, and brings its manual page.
 *
 *     dist/cli.js ─► cli-….js ─► program-….js ─► run-….js, once-….js, …     one file for each command, loaded when it is called
 *                          └───► simulate-….js ─► vm-stat-….js, …
 *
 * Split and not one file, as measured on Node.js 24: the simulator starts vm_stat every few seconds, which takes 40 ms and 51 MB
 * so, and 110 ms and 67 MB from one file of 1.2 MB; the agent itself stays 4 MB smaller.
 */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type Metafile, type Plugin } from "esbuild";
import { manualFile } from "../src/daemon/layout.ts";
import { bundlePage, type PageAssets } from "../src/endpoint/page/assets.ts";
import { thirdPartyNotices } from "./release/notices.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * Gives what CommonJS packages call `require` to the ES modules that they become part of. They only ask for Node's own modules;
 * an import of `node:module`, which could find others, would take each process 3 to 7 ms.
 */
const requireForPackages =
  "const require = (name) => { const found = process.getBuiltinModule(name); " +
  "if (found === undefined) throw new Error(`cannot find module ${name}`); return found; };";

/** Users have no esbuild: the page's script and style sheet are made now, and stand in the place of what makes them. */
function readyMade(assets: PageAssets): Plugin {
  const contents = `export async function buildAssets() { return ${JSON.stringify(assets)}; }`;
  return {
    name: "page assets",
    setup(bundler) {
      bundler.onLoad({ filter: /\/src\/endpoint\/page\/assets\.ts$/ }, () => ({ loader: "js", contents }));
    },
  };
}

/**
 * Writes the bundle and nothing else to `folder`. The same sources give the same bytes, in any folder.
 *
 * @returns what is in it, file by file, and all that it was made of, the page's script and style sheet included
 * @throws esbuild's list of errors, after it was printed
 */
export async function buildBundle(folder: string): Promise<Metafile> {
  const { version } = JSON.parse(await readFile(`${root}package.json`, "utf8")) as { version: string };
  const draft = `${folder}.partial`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const page = await bundlePage();
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { cli: "src/entry.ts" },
    outdir: draft,
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Packages that have ES modules as well are smaller that way, since what nobody uses can be left out.
    mainFields: ["module", "main"],
    define: { BUNDLED_VERSION: JSON.stringify(version) },
    plugins: [readyMade(page.assets)],
    banner: { js: requireForPackages },
    minifySyntax: true,
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const inputs = { ...metafile.inputs, ...page.metafile.inputs };
  // The licences ask for it wherever the code goes.
  await writeFile(`${draft}/THIRD_PARTY_NOTICES.txt`, thirdPartyNotices({ inputs }, root));
  await copyFile(`${root}man/${manualFile}`, `${draft}/${manualFile}`);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
  return { ...metafile, inputs };
}

if (import.meta.main) {
  const { outputs } = await buildBundle(`${root}dist`);
  const bytes = Object.values(outputs).reduce((sum, output) => sum + output.bytes, 0);
  console.log(`dist: ${Object.keys(outputs).length} modules, ${Math.round(bytes / 1024)} KiB`);
}
