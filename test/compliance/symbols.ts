/** Behaviours of the table of symbols. */
import assert from "node:assert/strict";
import type { Behaviour, Exchange } from "./behaviour.ts";

export const symbols: readonly Behaviour<Exchange>[] = [
  {
    section: "Symbols",
    level: "MUST",
    name: "the table begins with the empty text",
    cases: ["symbols: empty_string_at_index_zero"],
    judge({ two }) {
      for (const { message } of two) assert.equal(message.symbols[0], "");
    },
  },
  {
    section: "Symbols",
    level: "MUST",
    name: "no text is in the table twice",
    cases: ["symbols: string_deduplication", "batching: efficient_symbol_reuse"],
    judge({ two }) {
      for (const { message } of two) assert.equal(new Set(message.symbols).size, message.symbols.length);
    },
  },
  {
    section: "Symbols",
    level: "MUST",
    name: "every reference of labels and metadata is that of a symbol",
    cases: ["symbols: labels_refs_valid_indices", "metadata: metadata_help_refs_valid"],
    judge({ two }) {
      for (const { message } of two)
        assert.ok(message.refs.every((ref) => Number.isInteger(ref) && ref < message.symbols.length));
    },
  },
  {
    section: "Protobuf Message",
    level: "MUST",
    name: "references of labels come in pairs",
    cases: ["symbols: labels_refs_even_length"],
    judge({ two }) {
      // An odd number has already failed, in the recorder.
      for (const { message } of two) assert.ok(message.series.every(({ labels }) => labels.length > 0));
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "the table has no symbol that nothing refers to",
    cases: [
      "symbols: TestSymbolTableEfficiency",
      "batching: handles_varying_cardinality",
      "combined: high_cardinality_labels",
      "edge_cases: high_cardinality",
    ],
    judge({ two }) {
      for (const { message } of two) {
        const referred = new Set([0, ...message.refs]);
        assert.equal(referred.size, message.symbols.length);
      }
    },
  },
];
