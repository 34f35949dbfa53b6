/**
 * OpenTelemetry's Meter interface over slots: each observation goes to the slot of its series, and a
 * collection makes a Snapshot with the sample's own time. The stock SDK stamps collection time, keeps
 * exporting series that vanished and costs fifty times as much.
 *
 *     instrument ─► slots by label values ─► collect(): slots observed in this round ─► SeriesSet + values
 *
 * A slot that a collection did not observe is gone after it, so memory follows what the machine reports.
 */
import type {
  Attributes,
  BatchObservableCallback,
  Meter,
  Observable,
  ObservableCallback,
} from "@opentelemetry/api";
import type { Catalogue } from "../metric/catalogue.ts";
import type { Metric } from "../metric/metric.ts";
import { createSeriesSets, labelPairs, type Series, type SeriesSet } from "../metric/series.ts";

const noAttributes: Attributes = {};

/** One instrument's series beyond this many are dropped and counted; the stock SDK's own limit. */
const seriesLimit = 2000;

interface Slot {
  readonly series: Series;
  value: number;
  round: number;
}

interface Instrument extends Observable {
  readonly metric: Metric;
  readonly slots: Map<string, Slot>;
}

/** What one collection found. */
export interface Collected {
  readonly set: SeriesSet;
  readonly values: Float64Array;
  /** Observations beyond the series limit of an instrument in this collection. */
  readonly overflowed: number;
}

export interface SampleMeter extends Meter {
  /** Runs every callback once and returns what they observed. */
  collect(): Collected;
}

/** Instruments must be declared in the catalogue, and observable; anything else is a bug and throws. */
export function createSampleMeter(catalogue: Catalogue): SampleMeter {
  const instruments: Instrument[] = [];
  const callbacks = new Set<BatchObservableCallback>();
  const setOf = createSeriesSets();
  let round = 0;
  let overflowed = 0;

  function create(name: string): Observable {
    const metric = catalogue.get(name);
    if (metric === undefined) throw new Error(`metric ${name} must be declared in the catalogue`);
    const instrument = createInstrument(metric, callbacks);
    instruments.push(instrument);
    return instrument;
  }

  function observe(observable: Observable, value: number, attributes = noAttributes): void {
    const { metric, slots } = observable as Instrument;
    const key = slotKey(metric, attributes);
    let slot = slots.get(key);
    if (slot === undefined) {
      if (slots.size >= seriesLimit) {
        overflowed++;
        return;
      }
      slot = { series: seriesOf(metric, attributes), value, round };
      slots.set(key, slot);
    }
    slot.value = value;
    slot.round = round;
  }

  return {
    collect() {
      round++;
      overflowed = 0;
      for (const callback of callbacks) void callback({ observe });
      const slots: Slot[] = [];
      for (const instrument of instruments) takeObserved(instrument, round, slots);
      // Not Float64Array.from, whose iterator costs more than all else here.
      const values = new Float64Array(slots.length);
      slots.forEach(({ value }, index) => void (values[index] = value));
      return { set: setOf(slots.map((slot) => slot.series)), values, overflowed };
    },
    createObservableGauge: create,
    createObservableCounter: create,
    createObservableUpDownCounter: create,
    addBatchObservableCallback: (callback) => void callbacks.add(callback),
    removeBatchObservableCallback: (callback) => void callbacks.delete(callback),
    createGauge: refuseSynchronous,
    createCounter: refuseSynchronous,
    createUpDownCounter: refuseSynchronous,
    createHistogram: refuseSynchronous,
  };
}

/** @param all every callback of the meter; the instrument's own ones are added as callbacks of a batch */
function createInstrument(metric: Metric, all: Set<BatchObservableCallback>): Instrument {
  const own = new Map<ObservableCallback, BatchObservableCallback>();
  const instrument: Instrument = {
    metric,
    slots: new Map(),
    addCallback(callback) {
      const batched: BatchObservableCallback = (result) =>
        callback({ observe: (value, attributes) => result.observe(instrument, value, attributes) });
      own.set(callback, batched);
      all.add(batched);
    },
    removeCallback(callback) {
      const batched = own.get(callback);
      if (batched !== undefined) all.delete(batched);
    },
  };
  return instrument;
}

function takeObserved({ slots }: Instrument, round: number, observed: Slot[]): void {
  slots.forEach((slot, key) => {
    if (slot.round === round) observed.push(slot);
    else slots.delete(key);
  });
}

function slotKey({ labels }: Metric, attributes: Attributes): string {
  const only = labels[0];
  if (only === undefined) return "";
  if (labels.length === 1) return labelValue(attributes[only]);
  return labels.map((label) => labelValue(attributes[label])).join("\0");
}

/** Label values are strings in this project; what is absent has the empty value, which is no label. */
function labelValue(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function seriesOf(metric: Metric, attributes: Attributes): Series {
  const values = Object.entries(attributes).map(([label, value]) => [label, labelValue(value)] as const);
  return { metric, name: metric.name, labels: labelPairs(Object.fromEntries(values)) };
}

function refuseSynchronous(name: string): never {
  throw new Error(
    `instrument ${name} must be observable: a sample has one value per series and its own time`,
  );
}
