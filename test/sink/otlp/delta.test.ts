/** Changes add up to totals, whatever becomes of batches and processes. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { scrapedMetric } from "../../../src/metric/metric.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { createDeltas, type Deltas } from "../../../src/sink/otlp/delta.ts";
import { gather, type Run } from "../../../src/sink/otlp/gather.ts";
import { createLayouts } from "../../../src/sink/otlp/layout.ts";
import { energy, faults, noon, series, snapshot } from "../remote-write/batches.ts";

type Fate = "taken" | "refused" | "taken, and the process died before it was noted";

interface Step {
  readonly fate: Fate;
  /** Before the batch: another process, and whether it is another boot too. */
  readonly restart: "none" | "process" | "boot";
  /** By snapshot, what each counter grew by; absent where the series was not there. */
  readonly growth: readonly { readonly boot: number | undefined; readonly agent: number | undefined }[];
}

const growth = fc.option(fc.nat({ max: 100 }), { nil: undefined });
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    fate: fc.constantFrom<Fate>("taken", "refused", "taken, and the process died before it was noted"),
    restart: fc.constantFrom<Step["restart"]>("none", "none", "process", "boot"),
    growth: fc.array(fc.record({ boot: growth, agent: growth }), { minLength: 1, maxLength: 4 }),
  }),
  { maxLength: 20 },
);

/** Sent so far, and what a receiver of changes should have by then: all, but for the first total since boot. */
interface Sums {
  boot: number;
  agent: number;
}

test("the sum of all changes is the increase of the total, whatever is refused, sent again, or restarted", () => {
  let compared = 0;
  fc.assert(
    fc.property(steps, (story) => {
      const layouts = createLayouts({ externalLabels: {} });
      const got: Sums = { boot: 0, agent: 0 };
      const grown: Sums = { boot: 0, agent: 0 };
      /** The next point makes up for it, unless its counter begins anew before. */
      const refused: Sums = { boot: 0, agent: 0 };
      const totals: Sums = { boot: 1000, agent: 0 };
      let second = 10;
      const starts = { boot: noon - 60_000, agent: noon };
      let deltas = createDeltas(() => true, starts.agent);
      let saved = "";
      /** The first total since boot is nobody's increase. */
      let baseline = 0;

      function next(): Deltas {
        const process = createDeltas(() => true, starts.agent);
        process.restore(saved);
        return process;
      }

      for (const { fate, restart, growth: all } of story) {
        if (restart !== "none") {
          for (const kind of restart === "boot" ? (["boot", "agent"] as const) : (["agent"] as const)) {
            grown[kind] -= refused[kind];
            refused[kind] = 0;
          }
          Object.assign(totals, restart === "boot" ? { boot: 0, agent: 0 } : { agent: 0 });
          starts.agent = noon + second * 1000 + 500;
          if (restart === "boot") starts.boot = noon + second * 1000 + 250;
          second++;
          deltas = next();
        }
        const before = { ...grown };
        const snapshots = all.map(({ boot, agent }): Snapshot => {
          second++;
          const pairs = [
            [series(faults), boot, "boot"],
            [series(energy), agent, "agent"],
          ] as const;
          const there = pairs.flatMap(([one, more, kind]) => {
            if (more === undefined) return [];
            totals[kind] += more;
            grown[kind] += more;
            refused[kind] += more;
            return [[one, totals[kind]] as const];
          });
          const gone = pairs.filter(([, more]) => more === undefined).map(([one]) => one);
          return snapshot(second, there, { starts: { ...starts }, ended: gone });
        });
        const gathered = gather({ snapshots }, layouts);
        const changed = deltas.apply(gathered);
        if (fate === "taken, and the process died before it was noted") {
          deltas = next();
          const again = deltas.apply(gathered);
          assert.deepEqual(again.families, changed.families);
          again.commit(again.families);
        } else if (fate === "taken") changed.commit(changed.families);
        else continue;
        saved = deltas.save();
        for (const kind of ["boot", "agent"] as const)
          if (all.some((one) => one[kind] !== undefined)) refused[kind] = 0;
        for (const { metric, runs } of changed.families)
          for (const run of runs)
            for (const [at, value] of valuesOf(run).entries())
              if (!run.isMark(at) && metric.since !== "unknown") got[metric.since] += value;
        if (changed.dropped["baseline"] === 1)
          baseline = before.boot + (all.find(({ boot }) => boot !== undefined)?.boot ?? 0);
        compare(all, got, grown, baseline);
      }
    }),
  );
  assert.ok(compared > 100, `compared ${compared} times only`);

  /** Only where the last snapshot has the series does the receiver know all of it. */
  function compare(all: Step["growth"], got: Sums, grown: Sums, baseline: number): void {
    const told = all.at(-1);
    if (told?.agent !== undefined) {
      assert.equal(got.agent, grown.agent);
      compared++;
    }
    if (told?.boot !== undefined) {
      assert.equal(got.boot, grown.boot - baseline);
      compared++;
    }
  }
});

function valuesOf(run: Run): readonly number[] {
  return Array.from({ length: run.length }, (_, at) => run.valueAt(at));
}

test("a scraped process whose start is reported a second later has not started anew", () => {
  const layouts = createLayouts({ externalLabels: {} });
  const deltas = createDeltas(() => true, noon);
  const reads = scrapedMetric({ name: "reads_total", type: "counter", help: "", unit: "" });
  const changes = [1000, 1007].map((total, second) => {
    const starts = { agent: noon - 60_000 + 1000 * second };
    const one = { ...snapshot(second, [[series(reads, { job: "node" }), total]]), starts };
    const { families, commit } = deltas.apply(gather({ snapshots: [one] }, layouts));
    commit(families);
    return families.flatMap(({ runs }) => runs.flatMap(valuesOf));
  });
  assert.deepEqual(changes, [[], [7]]);
});
