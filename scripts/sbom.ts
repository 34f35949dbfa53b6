/** The command `npm run sbom -- [FILE]`: builds the bundle aside and writes the bill of what is in it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildBundle } from "./build.ts";
import { billOfMaterials, bomText } from "./release/bom.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const draft = mkdtempSync(join(tmpdir(), "sbom-"));
try {
  const text = bomText(billOfMaterials(await buildBundle(join(draft, "dist")), root));
  const [file] = process.argv.slice(2);
  if (file === undefined) process.stdout.write(text);
  else writeFileSync(file, text);
} finally {
  rmSync(draft, { recursive: true });
}
