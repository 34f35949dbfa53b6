/**
 * Messages that are filled in again. By default a batch has one sample of each series, of sources as in a batch a minute ago, so that nothing
 * of its message is new but values and times; all the rest is most of the work.
 *
 *     …labels… ┊ value ┊ time ┊ …labels… ┊ value ┊ time ┊ …
 */
import type { Snapshot } from "../../meter/snapshot.ts";
import { createBoundedMap } from "../../runtime/bounded-map.ts";
import { ByteWriter, varintLength } from "../../runtime/bytes.ts";
import type { EncodedBatch } from "../sink.ts";
import type { Run } from "./gather.ts";

export interface Form {
  /** Uncompressed; valid until the form is filled in again. */
  readonly message: Uint8Array;
  /** Where the value of each sample begins. */
  readonly places: ArrayLike<number>;
  readonly dropped: EncodedBatch["dropped"];
}

export interface Forms {
  /** A form with the values and times of a batch of this kind; undefined where none is kept. */
  fill(kind: string, snapshots: readonly Snapshot[]): Form | undefined;
  /** Keeps the only message of a batch, if others of its kind can be made from it. */
  keep(kind: string, encoded: Form & { readonly runs: readonly Run[] }): void;
}

/** By default a minute has batches of four kinds, with 10 KB each; those of a scraped node_exporter have 100. */
const keptBytes = 2 ** 19;

interface KeptForm extends Form {
  /** Over the message. */
  readonly writer: ByteWriter;
  /** Where the sample at each place comes from. */
  readonly rows: Uint32Array;
  readonly columns: Uint32Array;
}

export function createForms(): Forms {
  const forms = createBoundedMap<string, KeptForm>(keptBytes, sizeOf);
  return {
    fill(kind, snapshots) {
      const form = forms.get(kind);
      if (form !== undefined) fillIn(form, snapshots);
      return form;
    },
    keep(kind, { message, places, dropped, runs }) {
      if (!runs.every(({ column }) => column !== undefined)) return;
      const writer = new ByteWriter(message.length);
      writer.bytes(message);
      forms.set(kind, {
        message: writer.finish(),
        places: Uint32Array.from(places),
        dropped,
        writer,
        rows: Uint32Array.from(runs, ({ rows }) => rows[0] ?? 0),
        columns: Uint32Array.from(runs, ({ column = 0 }) => column),
      });
    },
  };
}

function sizeOf({ message, places }: KeptForm): number {
  return message.length + 12 * places.length;
}

/** From 1971 to 2109 a time has as many bytes as any other. */
const timeBytes = 6;
/** From the value of a sample to its time; between them is the tag of that. */
const timeOffset = 9;

/** All that the message depends on besides values and times; undefined where a series has another number of samples than one, or ends. */
export function kindOf(snapshots: readonly Snapshot[], protocol: string): string | undefined {
  const sets = new Set<string>();
  let kind = protocol;
  for (const { set, starts, ended, time } of snapshots) {
    const isUsual = Number.isSafeInteger(time) && time > 0 && varintLength(time) === timeBytes;
    if (ended.length > 0 || sets.has(set.key) || !isUsual) return undefined;
    sets.add(set.key);
    kind += ` ${set.key} ${startOf(starts.agent, time)} ${startOf(starts.boot, time)}`;
  }
  return kind;
}

/** A start after its sample is left out of the message. */
function startOf(ms: number | undefined, time: number): number {
  const start = Math.round(ms ?? 0);
  return start <= time ? start : 0;
}

function fillIn({ writer, places, rows, columns }: KeptForm, snapshots: readonly Snapshot[]): void {
  const times = snapshots.map(({ time }) => {
    const encoded = new ByteWriter(timeBytes);
    encoded.varint(time);
    return encoded.finish();
  });
  for (let at = 0; at < places.length; at++) {
    const place = places[at] ?? 0;
    const row = rows[at] ?? 0;
    writer.doubleAt(place, snapshots[row]?.values[columns[at] ?? 0] ?? NaN);
    writer.bytesAt(place + timeOffset, times[row] ?? noTime);
  }
}

const noTime = new Uint8Array();
