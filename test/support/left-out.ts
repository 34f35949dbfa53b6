/**
 * A reporter of node:test that names each test that was left out with the reason it gave. It stands beside `spec` in `npm test`.
 *
 *     LEFT_OUT=FILE      writes the test files in which a test was left out to FILE, one a line
 *     REQUIRE_ALL=1      a test that was left out, or a run without any test, is a failure
 *
 * A conformance suite excuses a sink from what its protocol cannot do: `skip: "excused: …"` is not left out.
 */
import { writeFileSync } from "node:fs";
import type { TestEvent } from "node:test/reporters";

export default async function* leftOut(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  const lines: string[] = [];
  const files = new Set<string>();
  for await (const { type, data } of events) {
    if (type !== "test:pass") continue;
    const { skip, todo, name, file = "" } = data;
    if (skip === undefined && todo === undefined) passed++;
    else if (!String(skip).startsWith("excused:")) {
      files.add(file);
      lines.push(`${file}: ${name}: ${String(skip ?? todo)}`);
    }
  }
  const { LEFT_OUT: list, REQUIRE_ALL: isStrict = "" } = process.env;
  if (list !== undefined) writeFileSync(list, [...files].map((file) => `${file}\n`).join(""));
  if (isStrict !== "" && (lines.length > 0 || passed === 0)) process.exitCode = 1;
  if (lines.length > 0) yield `left out:\n${lines.join("\n")}\n`;
  else if (passed === 0) yield "no test ran\n";
}
