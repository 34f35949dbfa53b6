/**
 * Builds dist/ for npm before it packs this folder, and installs the development dependencies first where they are missing. In plain
 * JavaScript, since it may run on any Node.js that npm runs on; the build itself runs on the Node.js of node_modules.
 *
 *     npm pack                                prepack    builds
 *     npm publish                             prepublishOnly    refuses: bash .ci/release/npm adds the addresses and publishes
 *     npm install [-g] git+https://…          prepare    builds: npm packs its clone of the repository
 *     npm install -g FOLDER                   prepare    builds: npm links to the folder
 *     npm ci, npm install in a checkout       prepare    does nothing: everything runs from src/
 */
import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const { env } = process;
const isGlobal = env.npm_config_global === "true";
const isCalledInCheckout = !relative(root, env.INIT_CWD ?? root).startsWith("..");
/** npm clones a git dependency and runs `npm install` in the clone, marked by this variable, before it packs the clone. */
const isCloneOfNpm = env._PACOTE_NO_PREPARE_ !== undefined;

if (env.npm_lifecycle_event === "prepublishOnly") refuse();
else if (env.npm_lifecycle_event !== "prepare") build();
else if (isCloneOfNpm) undoLink();
else if (isGlobal || !isCalledInCheckout) build();

function refuse() {
  console.error("cannot publish this folder: package.json names no repository; run bash .ci/release/npm");
  process.exit(1);
}

function build() {
  const node = join(root, "node_modules/.bin/node");
  // What the user asked of the outer npm (--global, --dry-run, --omit=dev) is not meant for this.
  const ci = ["ci", "--no-global", "--include=dev", "--no-dry-run", "--no-audit", "--no-fund"];
  if (!existsSync(node)) run("npm", ci);
  run(node, ["scripts/build.ts"]);
}

/**
 * With --global, the `npm install` in the clone is global as well and installs a link to the clone, which npm then deletes
 * (https://github.com/npm/cli/issues/6984). A folder in its place is what the outer npm expects to unpack into.
 */
function undoLink() {
  if (!isGlobal) return;
  const installed = join(env.npm_config_global_prefix ?? "", "lib/node_modules", env.npm_package_name ?? "");
  if (!lstatSync(installed, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  unlinkSync(installed);
  mkdirSync(installed);
}

/** Standard output belongs to npm, which prints the name of the archive there. */
function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status === 0) return;
  console.error(`cannot run ${command} ${args.join(" ")}: ${error?.message ?? `it ended with ${status}`}`);
  process.exit(1);
}
