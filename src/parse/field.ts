/** Typed access to a property list's dicts, and the findings: what a parser leaves out, such as a value of another type than expected. */
import { isArray, isColumn, isDict, type PlistDict, type PlistValue } from "./plist/reader.ts";
import type { Findings } from "./sample.ts";

export interface Fields {
  has(key: string): boolean;
  number(key: string): number | undefined;
  /** Absent when empty; cut at `longestText` characters, as it may become a label value. */
  text(key: string): string | undefined;
  flag(key: string): boolean | undefined;
  fields(key: string): Fields | undefined;
  dict(key: string): PlistDict | undefined;
  /** The dicts of an array; undefined without the array. */
  rows(key: string): readonly Fields[] | undefined;
  /** The dicts of an array as they are, for long lists of small ones. */
  dicts(key: string): readonly PlistDict[] | undefined;
  /** The numbers of a column, where the reader made one. */
  column(key: string): readonly number[] | undefined;
  /** Reports every key that `known` has not. */
  expect(known: ReadonlySet<string>): void;
  /** Reports the value under `key` as strange. */
  strange(key: string): void;
}

/** Names, models and states have a few dozen characters. */
const longestText = 256;

/** `path` is where the dict is, as findings name it: `processor`, `clusters[].cpus[]`. */
export function fieldsOf(dict: PlistDict, path: string, log: FindingLog): Fields {
  return new DictFields(dict, path, log);
}

class DictFields implements Fields {
  readonly #dict: PlistDict;
  readonly #path: string;
  readonly #log: FindingLog;

  constructor(dict: PlistDict, path: string, log: FindingLog) {
    this.#dict = dict;
    this.#path = path;
    this.#log = log;
  }

  has(key: string): boolean {
    return this.#dict.has(key);
  }

  number(key: string): number | undefined {
    return this.#get(key, isNumber);
  }

  text(key: string): string | undefined {
    const text = this.#get(key, isText);
    return text === "" ? undefined : text?.slice(0, longestText).toWellFormed();
  }

  flag(key: string): boolean | undefined {
    return this.#get(key, isFlag);
  }

  fields(key: string): Fields | undefined {
    const inner = this.#get(key, isDict);
    return inner === undefined ? undefined : fieldsOf(inner, this.#pathOf(key), this.#log);
  }

  dict(key: string): PlistDict | undefined {
    return this.#get(key, isDict);
  }

  rows(key: string): readonly Fields[] | undefined {
    const path = `${this.#pathOf(key)}[]`;
    return this.dicts(key)?.map((row) => fieldsOf(row, path, this.#log));
  }

  dicts(key: string): readonly PlistDict[] | undefined {
    const array = this.#get(key, isArray);
    if (array === undefined) return undefined;
    const rows = array.filter(isDict);
    if (rows.length < array.length) this.strange(key);
    return rows;
  }

  column(key: string): readonly number[] | undefined {
    const value = this.#dict.get(key);
    return isColumn(value) ? value.numbers : undefined;
  }

  expect(known: ReadonlySet<string>): void {
    this.#dict.forEach((_, key) => {
      if (!known.has(key)) this.strange(key);
    });
  }

  strange(key: string): void {
    this.#log.unknown(this.#pathOf(key));
  }

  /** The value under `key` if it is what `is` wants. */
  #get<Wanted extends PlistValue>(
    key: string,
    is: (value: PlistValue) => value is Wanted,
  ): Wanted | undefined {
    const value = this.#dict.get(key);
    if (value === undefined || is(value)) return value;
    this.strange(key);
    return undefined;
  }

  #pathOf(key: string): string {
    return this.#path === "" ? key : `${this.#path}.${key}`;
  }
}

function isNumber(value: PlistValue): value is number {
  return typeof value === "number";
}

function isText(value: PlistValue): value is string {
  return typeof value === "string";
}

function isFlag(value: PlistValue): value is boolean {
  return typeof value === "boolean";
}

export interface FindingLog {
  /** A key or line of no known version, or a value of another kind than the key always had. */
  unknown(path: string): void;
  /** A value that was withheld, once for each. */
  implausible(field: string): void;
  /** A zero that was withheld, and that only the next window can judge. */
  zeroWhileBusy(field: string): void;
  /** The value when it lies within the bounds; otherwise it is withheld. Absent stays absent. */
  within(field: string, value: number | undefined, least: number, most: number): number | undefined;
  /** A share of the window. Rounding to six digits (`%g`) may take a sum beyond its bounds by 0.001. */
  ratio(field: string, value: number | undefined): number | undefined;
  /** A count or amount since the window began. */
  amount(field: string, value: number | undefined): number | undefined;
  findings(): Findings;
}

/** Different paths that one document may report; they carry no row numbers, so a strange format repeats few. */
const mostUnknown = 100;
const longestPath = 100;
const roundingOfSums = 1e-3;

/** Collects what a parser leaves out: unknown keys, and values that cannot be true. */
export function createFindingLog(): FindingLog {
  const unknown = new Set<string>();
  const implausible: string[] = [];
  const zeroWhileBusy: string[] = [];

  const log: FindingLog = {
    unknown(path) {
      if (unknown.size < mostUnknown) unknown.add(path.slice(0, longestPath));
    },
    implausible: (field) => void implausible.push(field),
    zeroWhileBusy: (field) => void zeroWhileBusy.push(field),
    within(field, value, least, most) {
      if (value === undefined || (value >= least && value <= most)) return value;
      implausible.push(field);
      return undefined;
    },
    ratio(field, value) {
      const accepted = log.within(field, value, -roundingOfSums, 1 + roundingOfSums);
      return accepted === undefined ? undefined : Math.min(1, Math.max(0, accepted));
    },
    amount: (field, value) => log.within(field, value, 0, Number.MAX_SAFE_INTEGER),
    findings: () => ({
      unknown: [...unknown],
      implausible,
      ...(zeroWhileBusy.length > 0 && { zeroWhileBusy }),
    }),
  };
  return log;
}
