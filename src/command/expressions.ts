/** Loads a configuration and compiles its relabelling expressions, with an engine that is loaded only where there are any. */
import { loadConfiguration, type Loaded, type LoadWorld, type Refused } from "../config/load.ts";
import { inReadingOrder } from "../config/problem.ts";

/** As `loadConfiguration`, an expression that RE2 refuses being one more problem. */
export async function loadCompiled(world: LoadWorld): Promise<Loaded | Refused> {
  const loaded = loadConfiguration(world);
  if (loaded.expressions.length === 0) return loaded;
  const { compilePattern } = await import("../sink/relabel/pattern.ts");
  const problems = loaded.expressions.flatMap(({ text, path, origin }) => {
    const compiled = compilePattern(text);
    return compiled.ok ? [] : [{ origin, path, message: compiled.error }];
  });
  if (problems.length === 0) return loaded;
  const { expressions, file, warnings } = loaded;
  const all = [...(loaded.ok ? [] : loaded.problems), ...problems];
  return {
    ok: false,
    problems: inReadingOrder(all),
    warnings,
    expressions,
    ...(file !== undefined && { file }),
  };
}
