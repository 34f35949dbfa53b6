/**
 * A reporter of node:test that fails the run for each test that was left out, with the reason it gave. Beside another reporter:
 *
 *     node --test --test-reporter=spec --test-reporter-destination=stdout \
 *       --test-reporter=./test/support/nothing-skipped.ts --test-reporter-destination=stderr
 *
 * A conformance suite excuses a sink from what its protocol cannot do: `skip: "excused: …"` is no failure.
 */
import type { TestEvent } from "node:test/reporters";

export default async function* nothingSkipped(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  let passed = 0;
  const left: string[] = [];
  for await (const { type, data } of events) {
    if (type !== "test:pass") continue;
    const { skip, todo, name, file = "" } = data;
    if (skip === undefined && todo === undefined) passed++;
    else if (!String(skip).startsWith("excused:")) left.push(`${file}: ${name}: ${String(skip ?? todo)}`);
  }
  if (left.length === 0 && passed > 0) return;
  process.exitCode = 1;
  yield left.length === 0
    ? "no test ran\n"
    : `every test must run here, got these that were left out:\n${left.join("\n")}\n`;
}
