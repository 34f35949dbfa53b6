/** Behaviours of requests of version 1, besides those that both versions have. */
import assert from "node:assert/strict";
import { allSeries, named, type Behaviour, type Exchange } from "./behaviour.ts";
import { version1 } from "./message.ts";

export const version1Requests: readonly Behaviour<Exchange>[] = [
  {
    section: "Protocol",
    level: "MUST",
    name: "to a receiver of version 1 every series has its labels inline, and no sample has a start",
    cases: ["rw1_compat: rw1_symbol_table_not_used", "rw1_compat: rw1_no_start_timestamp"],
    judge({ one }) {
      // Fields that version 1 does not have have already failed, in the recorder.
      assert.ok(one.every(({ message }) => message.name === version1 && message.symbols.length === 0));
      assert.ok(allSeries(one).every(({ labels }) => labels.length > 0));
      named(one, "times_created_total");
    },
  },
  {
    section: "Protocol",
    level: "MAY",
    name: "to a receiver of version 1 no metadata is sent",
    cases: ["rw1_compat: rw1_metadata_handling"],
    verdict:
      "left out: it would take requests of its own, again and again; version 2 has it beside the samples",
    judge({ one }) {
      assert.ok(allSeries(one).every(({ metadata }) => metadata === undefined));
    },
  },
];
