/** Behaviours of labels. */
import assert from "node:assert/strict";
import { allSeries, labelsOf, named, type Behaviour, type Exchange } from "./behaviour.ts";

const unicode = { emoji: "🚀", chinese: "测试", arabic: "مرحبا", accents: "tôi yêu việt nam" };
const special = {
  path: "/api/v1/users",
  query: "a=b&c=d",
  quoted: 'say "hi"',
  windows: "C:\\x",
  lines: "a\nb",
};
const many = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`l${index}`, `v${index}`]));
const longValue = "x".repeat(10_000);
const longLabel = "a_label_name_that_is_much_longer_than_people_write_them_and_still_good";
const longName = `labels_${"very_long_name_".repeat(50)}`;

function text(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",");
}

export const labelsExposition = `# TYPE labels_sorted gauge
labels_sorted{zzz="3",Zone="Z",aaa="1",_under="_"} 1
# TYPE labels_empty gauge
labels_empty{empty="",full="yes"} 1
# TYPE labels_unicode gauge
labels_unicode{${text(unicode)}} 1
# TYPE labels_special gauge
labels_special{${text(special)}} 1
# TYPE labels_many gauge
labels_many{${text(many)}} 1
# TYPE labels_long gauge
labels_long{${longLabel}="short",long="${longValue}"} 1
# TYPE ${longName} gauge
${longName} 1
# TYPE labels:with:colons gauge
labels:with:colons 1
`;

function has(requests: Exchange["two"], name: string, wanted: Readonly<Record<string, string>>): void {
  for (const series of named(requests, name)) {
    const { job = "", instance = "" } = labelsOf(series);
    assert.deepEqual(labelsOf(series), { __name__: name, job, instance, ...wanted });
  }
}

export const labels: readonly Behaviour<Exchange>[] = [
  {
    section: "Series Labels",
    level: "MUST",
    name: "labels are sorted by the bytes of their names",
    cases: ["labels: label_lexicographic_ordering"],
    judge({ two, one }) {
      for (const { labels } of allSeries([...two, ...one])) {
        const names = labels.map(([name]) => name);
        const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        assert.deepEqual(names, sorted);
      }
      const [sorted] = named(two, "labels_sorted");
      const names = sorted?.labels.map(([name]) => name);
      assert.deepEqual(names, ["Zone", "__name__", "_under", "aaa", "instance", "job", "zzz"]);
    },
  },
  {
    section: "Series Labels",
    level: "SHOULD",
    name: "every series has a __name__, and no other label that begins with two underscores",
    cases: ["labels: metric_name_label_present", "labels: reserved_label_prefix"],
    judge({ two, one }) {
      for (const { labels } of allSeries([...two, ...one])) {
        const reserved = labels.filter(([name]) => name.startsWith("__"));
        assert.deepEqual(
          reserved.map(([name]) => name),
          ["__name__"],
        );
      }
    },
  },
  {
    section: "Series Labels",
    level: "SHOULD",
    name: "names of metrics are those of the classic character set, colons included",
    cases: ["labels: metric_name_format_valid", "edge_cases: metric_name_with_colons"],
    judge({ two }) {
      named(two, "labels:with:colons");
      for (const series of allSeries(two))
        assert.match(labelsOf(series)["__name__"] ?? "", /^[a-zA-Z_:][a-zA-Z0-9_:]*$/);
    },
  },
  {
    section: "Series Labels",
    level: "SHOULD",
    name: "names of labels are those of the classic character set",
    cases: ["labels: label_name_format_valid"],
    judge({ two }) {
      for (const { labels } of allSeries(two))
        for (const [name] of labels) assert.match(name, /^[a-zA-Z_][a-zA-Z0-9_]*$/);
    },
  },
  {
    section: "Series Labels",
    level: "MUST",
    name: "no name of a label comes twice in a series",
    cases: ["labels: no_duplicate_label_names"],
    judge({ two, one }) {
      for (const { labels } of allSeries([...two, ...one]))
        assert.equal(new Set(labels.map(([name]) => name)).size, labels.length);
    },
  },
  {
    section: "Series Labels",
    level: "MUST",
    name: "no name and no value of a label is empty: a label without a value is left out",
    cases: ["labels: label_names_not_empty", "labels: label_values_may_be_empty"],
    judge({ two, one }) {
      for (const { labels } of allSeries([...two, ...one]))
        assert.ok(labels.every(([name, value]) => name !== "" && value !== ""));
      has(two, "labels_empty", { full: "yes" });
    },
  },
  {
    section: "Series Labels",
    level: "MUST",
    name: "values are any UTF-8, and arrive as they were exposed",
    cases: ["labels: unicode_in_label_values", "edge_cases: unicode_in_labels"],
    judge({ two, one }) {
      has(two, "labels_unicode", unicode);
      has(one, "labels_unicode", unicode);
    },
  },
  {
    section: "Series Labels",
    level: "MUST",
    name: "escaped characters of a value arrive unescaped",
    cases: ["labels: special_chars_in_label_values"],
    judge({ two }) {
      has(two, "labels_special", special);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "long names and values of labels arrive in full",
    cases: [
      "labels: very_long_label_names",
      "labels: very_long_label_values",
      "edge_cases: huge_label_values",
    ],
    judge({ two }) {
      has(two, "labels_long", { [longLabel]: "short", long: longValue });
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a long name of a metric arrives in full",
    cases: ["edge_cases: very_long_metric_name"],
    judge({ two }) {
      has(two, longName, {});
    },
  },
  {
    section: "Series Labels",
    level: "MUST",
    name: "all labels of a series are sent with its samples, however many they are",
    cases: ["labels: many_labels_per_series", "rw1_compat: rw1_labels_encoding"],
    judge({ two, one }) {
      has(two, "labels_many", many);
      has(one, "labels_many", many);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "every series has the job and the instance of its target",
    cases: ["samples: job_instance_labels_present"],
    judge({ two, one }) {
      for (const series of allSeries([...two, ...one])) {
        const { job, instance } = labelsOf(series);
        assert.ok(job !== undefined && instance !== undefined);
      }
    },
  },
];
