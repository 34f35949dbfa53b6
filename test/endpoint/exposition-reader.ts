/** A small strict reader of both exposition formats: an independent judge of what the endpoint writes. */
import assert from "node:assert/strict";

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  /** Sample line up to the value → value. */
  readonly samples: Map<string, number>;
}

const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)((?:\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)+\})?) (\S+)$/;
const suffixes: Readonly<Partial<Record<string, readonly string[]>>> = {
  histogram: ["_bucket", "_sum", "_count"],
};

/** Text 0.0.4: HELP before TYPE, each family once and in one piece. */
export function readPrometheus(text: string): readonly Family[] {
  return read(text, /^# HELP (\S+) (.*)$/, /^# TYPE (\S+) (\S+)$/, (type) => suffixes[type] ?? [""]);
}

/** OpenMetrics 1.0: TYPE before HELP, counters' samples with `_total`, and `# EOF` at the very end. */
export function readOpenMetrics(text: string): readonly Family[] {
  assert.ok(text.endsWith("# EOF\n"), "ends with # EOF");
  return read(text.slice(0, -"# EOF\n".length), /^# HELP (\S+) (.*)$/, /^# TYPE (\S+) (\S+)$/, (type) =>
    type === "counter" ? ["_total"] : (suffixes[type] ?? [""]),
  );
}

function read(
  text: string,
  help: RegExp,
  type: RegExp,
  endings: (type: string) => readonly string[],
): readonly Family[] {
  assert.ok(text === "" || text.endsWith("\n"), "ends with a line feed");
  const families = new Map<
    string,
    { name: string; type: string; help: string; samples: Map<string, number> }
  >();
  let current: { name: string; type: string; help: string; samples: Map<string, number> } | undefined;
  for (const line of text.split("\n").slice(0, -1)) {
    const [, name, rest] = help.exec(line) ?? type.exec(line) ?? [];
    if (name !== undefined && rest !== undefined) {
      if (current?.name !== name) {
        assert.ok(!families.has(name), `family ${name} comes once`);
        current = { name, type: "", help: "", samples: new Map() };
        families.set(name, current);
      }
      current[line.startsWith("# HELP") ? "help" : "type"] = rest;
      continue;
    }
    const [, sample = "", labels = "", value = ""] =
      sampleLine.exec(line) ?? assert.fail(`unreadable: ${line}`);
    assert.ok(current, "a sample belongs to a family");
    const { name: family, type: kind } = current;
    assert.ok(
      endings(kind).some((ending) => sample === family + ending),
      `${sample} belongs to ${family}`,
    );
    assert.ok(!current.samples.has(sample + labels), `${sample}${labels} comes once`);
    current.samples.set(sample + labels, numberOf(value));
  }
  return [...families.values()];
}

function numberOf(text: string): number {
  const named = { "+Inf": Infinity, "-Inf": -Infinity, NaN }[text];
  if (named !== undefined) return named;
  assert.match(text, /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?$/);
  return Number(text);
}
