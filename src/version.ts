/** The agent's version: package.json's, which the bundle has built in. */
import { readFileSync } from "node:fs";

/** esbuild puts the version in here; without it package.json is read. */
declare const BUNDLED_VERSION: string | undefined;

export const version: string = typeof BUNDLED_VERSION === "string" ? BUNDLED_VERSION : packageVersion();

function packageVersion(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  const { version: written } = JSON.parse(file) as { version: string };
  return written;
}
