/** What `npm test` does once, before the first test file: prints the seed of the properties. */
import { fixedSeed } from "./property.ts";

export function globalSetup(): void {
  const { FUZZ_SEED: seed = String(fixedSeed) } = process.env;
  process.stderr.write(`properties run from FUZZ_SEED=${seed}\n`);
}
