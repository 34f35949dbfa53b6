/**
 * Reads expositions a second time, from the grammars: one regular expression a token, nothing remembered, nothing fast.
 * What the specifications leave open, or Prometheus does otherwise, is as src/scrape says.
 */
import { isUtf8 } from "node:buffer";
import type { ExpositionFormat, ScrapedFamily, ScrapedType } from "../../src/scrape/exposition.ts";
import { Unreadable, numberOf, spelledBound, unescaped } from "./exposition-words.ts";

export interface GrammarSeries {
  readonly family: ScrapedFamily;
  readonly name: string;
  readonly labels: readonly (readonly [string, string])[];
  readonly startMs?: number;
}

export interface GrammarSample {
  readonly series: GrammarSeries;
  readonly value: number;
  readonly time: number;
}

export type GrammarResult =
  | { readonly ok: true; readonly samples: readonly GrammarSample[]; readonly duplicates: number }
  | { readonly ok: false; readonly reason: "syntax" | "utf8" };

interface Tokens {
  readonly blanks: RegExp;
  readonly quoted: RegExp;
  readonly types: Readonly<Record<string, ScrapedType>>;
}

const metricName = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const labelName = /[a-zA-Z_][a-zA-Z0-9_]*/y;
const classic = { counter: "counter", gauge: "gauge", histogram: "histogram", summary: "summary" } as const;

const formats: Readonly<Record<ExpositionFormat, Tokens>> = {
  text: {
    blanks: /[ \t]*/y,
    quoted: /"((?:\\[^\n]|[^\\"])*)"/y,
    types: { ...classic, untyped: "unknown" },
  },
  openmetrics: {
    blanks: /(?:)/y,
    quoted: /"((?:\\[^\n]|[^\\"\n])*)"/y,
    types: {
      ...classic,
      gaugehistogram: "gaugehistogram",
      info: "info",
      stateset: "stateset",
      unknown: "unknown",
    },
  },
};

export function readByGrammar(body: Buffer, format: ExpositionFormat): GrammarResult {
  try {
    return new Exposition(body, format).read();
  } catch (error) {
    if (error instanceof Unreadable) return { ok: false, reason: error.reason };
    throw error;
  }
}

interface Found {
  readonly series: GrammarSeries;
  readonly value: number;
  readonly time: number;
}

class Exposition {
  /** A character for each byte. */
  readonly #text: string;
  readonly #tokens: Tokens;
  readonly #open: boolean;
  #at = 0;
  #declared: ScrapedFamily | undefined;
  #duplicates = 0;
  readonly #samples: Found[] = [];
  readonly #times = new Map<string, number[]>();
  readonly #starts = new Map<string, number>();

  constructor(body: Buffer, format: ExpositionFormat) {
    this.#open = format === "openmetrics";
    this.#tokens = formats[format];
    this.#text = body.toString("latin1") + (this.#open ? "" : "\n");
  }

  read(): GrammarResult {
    let ended = false;
    while (this.#at < this.#text.length && !ended) {
      if (!this.#open && this.#match(/[ \t]*\n/y)) continue;
      this.#match(this.#tokens.blanks);
      if (this.#match(/# EOF\n?$/y, this.#open)) ended = true;
      else if (this.#text[this.#at] === "#") this.#hashLine();
      else this.#sample();
    }
    if (this.#at < this.#text.length || ended !== this.#open) throw new Unreadable("syntax");
    return { ok: true, samples: this.#samples.map((one) => this.#dated(one)), duplicates: this.#duplicates };
  }

  #hashLine(): void {
    const keyword = this.#open
      ? this.#match(/# (HELP|TYPE|UNIT) /y)
      : this.#match(/#[ \t]+(HELP|TYPE)[ \t]+/y);
    if (keyword === undefined) {
      if (!this.#match(/[^\n]*\n/y, !this.#open)) throw new Unreadable("syntax");
      return;
    }
    const quoted = this.#match(this.#tokens.quoted);
    const name = quoted === undefined ? this.#wanted(metricName)[0] : unescaped(utf8(quoted[1] ?? ""), true);
    if (name === "") throw new Unreadable("syntax");
    const rest = this.#open ? this.#wanted(/( [^\n]*)\n/y) : this.#wanted(/([^\n]*)\n/y);
    const line = rest[1] ?? "";
    const text = utf8(!this.#open && /^[ \t]*$/.test(line) ? "" : line.slice(1));
    const base =
      this.#declared?.name === name ? this.#declared : { name, type: "unknown" as const, help: "", unit: "" };
    if (keyword[1] === "HELP") this.#declared = { ...base, help: unescaped(text, this.#open) };
    else if (keyword[1] === "UNIT") {
      if (text !== "" && !name.endsWith(`_${text}`)) throw new Unreadable("syntax");
      this.#declared = { ...base, unit: text };
    } else {
      const type = Object.entries(this.#tokens.types).find(([known]) => known === text)?.[1];
      if (type === undefined) throw new Unreadable("syntax");
      this.#declared = { ...base, type };
    }
  }

  #sample(): void {
    const start = this.#at;
    let name = this.#match(metricName)?.[0];
    const labels: [string, string][] = [];
    const brace = this.#open ? this.#match(/\{/y) : this.#match(/[ \t]*\{/y);
    if (brace !== undefined) name = this.#labels(labels, name, true);
    if (name === undefined) throw new Unreadable("syntax");
    utf8(this.#text.slice(start, this.#at));
    const series = this.#series(utf8Name(name, brace !== undefined), labels);
    const isStart = this.#open && dates(this.#declared, series.name);
    const found = this.#tail(series);
    if (isStart) this.#start(found);
    else if (this.#isNew(found)) this.#samples.push(found);
    else this.#duplicates++;
  }

  /** From behind the brace; the name in front of it, or the quoted one in it. */
  #labels(labels: [string, string][], before: string | undefined, mayName: boolean): string | undefined {
    let name = before;
    for (;;) {
      this.#match(this.#tokens.blanks);
      if (this.#match(/\}/y)) return name;
      const quoted = this.#match(this.#tokens.quoted);
      const label = quoted?.[1] ?? this.#wanted(labelName)[0];
      this.#match(this.#tokens.blanks);
      if (mayName && quoted && /[,}]/.test(this.#text[this.#at] ?? "")) {
        if (name !== undefined) throw new Unreadable("syntax");
        name = label;
        this.#match(/,/y);
        continue;
      }
      this.#wanted(/=/y);
      this.#match(this.#tokens.blanks);
      labels.push([label, this.#wanted(this.#tokens.quoted)[1] ?? ""]);
      this.#match(this.#tokens.blanks);
      if (!this.#match(/,/y) && this.#open && this.#text[this.#at] !== "}") throw new Unreadable("syntax");
    }
  }

  #series(name: string, raw: readonly [string, string][]): GrammarSeries {
    if (name === "") throw new Unreadable("syntax");
    const labels = raw.map(
      ([label, value]) => [unescaped(utf8(label), true), unescaped(utf8(value), true)] as const,
    );
    const names = labels.map(([label]) => label);
    if (new Set(names).size < names.length || names.includes("") || names.includes("__name__"))
      throw new Unreadable("syntax");
    const declared = this.#declared;
    const isPart =
      declared !== undefined && (partOf(declared, name) || (this.#open && dates(declared, name)));
    const family = isPart ? declared : { name, type: "unknown" as const, help: "", unit: "" };
    return {
      family,
      name,
      labels: labels
        .map(
          ([label, value]) => [label, label === boundOf(family.type) ? spelledBound(value) : value] as const,
        )
        .filter(([, value]) => value !== "")
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    };
  }

  #tail(series: GrammarSeries): Found {
    if (!this.#open) {
      const between = this.#text[this.#at - 1] === "}" ? /[ \t]*([^ \t\n]+)/y : /[ \t]+([^ \t\n]+)/y;
      const value = numberOf(this.#wanted(between)[1] ?? "");
      const time = this.#match(/[ \t]+(\d+)/y)?.[1];
      if (Number(time) > Number.MAX_SAFE_INTEGER) throw new Unreadable("syntax");
      this.#wanted(/[ \t]*\n/y);
      return { series, value, time: time === undefined ? NaN : Number(time) };
    }
    const value = numberOf(this.#wanted(/ ([^ \n]+)/y)[1] ?? "");
    const time = this.#seconds(/(?! # \{) ([^ \n]+)/y);
    if (this.#match(/ # \{/y)) this.#exemplar();
    this.#wanted(/\n/y);
    return { series, value, time };
  }

  #exemplar(): void {
    const labels: [string, string][] = [];
    this.#labels(labels, "", false);
    for (const part of labels.flat()) utf8(part);
    numberOf(this.#wanted(/ ([^ \n]+)/y)[1] ?? "");
    this.#seconds(/ ([^ \n]+)/y);
  }

  #seconds(token: RegExp): number {
    const found = this.#match(token);
    if (found === undefined) return NaN;
    const time = numberOf(found[1] ?? "") * 1000;
    if (!Number.isFinite(time) || Math.abs(time) > Number.MAX_SAFE_INTEGER) throw new Unreadable("syntax");
    return Math.trunc(time);
  }

  #isNew({ series, time }: Found): boolean {
    const key = JSON.stringify([series.name, series.labels]);
    const before = this.#times.get(key);
    if (before !== undefined && (Number.isNaN(time) || before.includes(time))) return false;
    this.#times.set(key, [...(before ?? []), time]);
    return true;
  }

  #start({ series, value }: Found): void {
    const key = startKey(series);
    if (this.#starts.has(key)) this.#duplicates++;
    else this.#starts.set(key, Math.trunc(value * 1000));
  }

  #dated(found: Found): GrammarSample {
    const { family, name, labels } = found.series;
    // A repeated series is of the family that it was of first.
    const first = this.#samples.find(({ series }) => isSameSeries(series, found.series)) ?? found;
    const startMs =
      isDated(first.series.family) && this.#open ? this.#starts.get(startKey(first.series)) : undefined;
    const isStart = startMs !== undefined && startMs > 0 && startMs <= Number.MAX_SAFE_INTEGER;
    const series = {
      family: first === found ? family : first.series.family,
      name,
      labels,
      ...(isStart && { startMs }),
    };
    return { series, value: found.value, time: found.time };
  }

  #match(token: RegExp, when = true): RegExpExecArray | undefined {
    token.lastIndex = this.#at;
    const found = when ? token.exec(this.#text) : null;
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #wanted(token: RegExp): RegExpExecArray {
    const found = this.#match(token);
    if (found === undefined) throw new Unreadable("syntax");
    return found;
  }
}

function isSameSeries(a: GrammarSeries, b: GrammarSeries): boolean {
  return JSON.stringify([a.name, a.labels]) === JSON.stringify([b.name, b.labels]);
}

function utf8(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  if (!isUtf8(bytes)) throw new Unreadable("utf8");
  return bytes.toString("utf8");
}

/** An unquoted name has no backslash. */
function utf8Name(name: string, mayBeQuoted: boolean): string {
  return mayBeQuoted ? unescaped(utf8(name), true) : name;
}

function isDated({ type }: ScrapedFamily): boolean {
  return type === "counter" || type === "histogram" || type === "summary";
}

function baseOf({ name, type }: ScrapedFamily): string {
  return type === "counter" && name.endsWith("_total") ? name.slice(0, -"_total".length) : name;
}

function dates(family: ScrapedFamily | undefined, name: string): boolean {
  return family !== undefined && isDated(family) && name === `${baseOf(family)}_created`;
}

function partOf({ name, type }: ScrapedFamily, series: string): boolean {
  const parts: Readonly<Partial<Record<ScrapedType, string>>> = {
    counter: "_total",
    histogram: "_bucket _sum _count",
    gaugehistogram: "_bucket _gsum _gcount",
    summary: "_sum _count",
    info: "_info",
  };
  return ["", ...(parts[type]?.split(" ") ?? [])].some((suffix) => series === name + suffix);
}

function boundOf(type: ScrapedType): string {
  return type === "histogram" ? "le" : type === "summary" ? "quantile" : "";
}

function startKey({ family, labels }: GrammarSeries): string {
  return JSON.stringify([
    baseOf(family),
    family.type,
    labels.filter(([label]) => label !== boundOf(family.type)),
  ]);
}
