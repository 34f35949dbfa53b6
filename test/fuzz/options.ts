/** What may be asked of fuzzing, by the environment or the command line, and what is wrong with it, in one line. */
import { fixedSeed } from "../support/property.ts";

const keys = ["runs", "minutes", "seed", "path", "test"] as const;
type Key = (typeof keys)[number];
type Given = Readonly<Partial<Record<Key, string>>>;

export interface FuzzOptions {
  /** Of each property. */
  readonly runs: number;
  /** Instead of `runs`: for each file, shared by its properties. */
  readonly minutes?: number;
  /** Fixed where none was given. */
  readonly seed: number;
  /** The way to one input, as fast-check printed it: that input only, and what it shrinks to. */
  readonly path?: string;
  /** Part of the names of the properties that run. */
  readonly test: string;
}

/** @throws Error for the first that is wrong */
export function optionsOf(given: Given, nameOf: (key: Key) => string): FuzzOptions {
  const { runs = "100", minutes, path, seed, test = "" } = given;
  const must = (key: Key, holds: boolean, rule: string): void => {
    if (!holds) throw new Error(`${nameOf(key)} must ${rule}, got ${given[key] ?? "nothing"}`);
  };
  must("runs", isWhole(runs) && Number(runs) > 0, "be a whole number above 0");
  must("minutes", minutes === undefined || isDuration(minutes), "be a number above 0");
  must(
    "seed",
    seed === undefined || (isWhole(seed) && Number(seed) < 2 ** 31),
    "be a whole number below 2^31",
  );
  must("path", path === undefined || /^\d+(:\d+)*$/.test(path), "be as it was printed: numbers and colons");
  if (path !== undefined && (seed === undefined || test === ""))
    throw new Error(
      `${nameOf("path")} must come with the ${nameOf("seed")} and ${nameOf("test")} it was printed with`,
    );
  return {
    runs: Number(runs),
    seed: seed === undefined ? fixedSeed : Number(seed),
    test,
    ...(minutes !== undefined && { minutes: Number(minutes) }),
    ...(path !== undefined && { path }),
  };
}

function isWhole(text: string): boolean {
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text));
}

function isDuration(text: string): boolean {
  return /^\d*\.?\d+$/.test(text) && Number(text) > 0;
}

const variable = (key: Key): string => `FUZZ_${key.toUpperCase()}`;

/** `FUZZ_RUNS`, `FUZZ_MINUTES`, `FUZZ_SEED`, `FUZZ_PATH`, `FUZZ_TEST`. */
export function optionsFrom(env: Readonly<Record<string, string | undefined>>): FuzzOptions {
  const set = keys.flatMap((key) => {
    const value = env[variable(key)];
    return value === undefined ? [] : [[key, value] as const];
  });
  return optionsOf(Object.fromEntries(set), variable);
}

/** The environment in which a test file does what was asked. */
export function environmentFor(given: Given): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [variable(key as Key), value]));
}
