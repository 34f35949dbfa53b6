import test from "node:test";
import assert from "node:assert/strict";
import { runtimeObjection } from "../../src/daemon/version.ts";

const refused = [
  "/Users/a/.nvm/versions/node/v24.0.0/bin/node",
  "/Users/a/Library/Application Support/fnm/node-versions/v24.0.0/installation/bin/node",
  "/Users/a/.local/state/fnm_multishells/1_2/bin/node",
  "/Users/a/.volta/tools/image/node/24.0.0/bin/node",
  "/Users/a/.asdf/installs/nodejs/24.0.0/bin/node",
  "/Users/a/.local/share/mise/installs/node/24.0.0/bin/node",
  "/opt/homebrew/Cellar/node/24.0.0/bin/node",
  "/usr/local/Cellar/node@24/24.0.0/bin/node",
  "/opt/homebrew/opt/node/bin/node",
];

for (const path of refused) {
  test(`${path} is refused as a runtime, with a way out`, () => {
    assert.match(runtimeObjection(path) ?? "", /^runtime must be .*, got .*--node/);
  });
}

test("self-contained runtimes are taken", () => {
  for (const path of [
    "/usr/local/bin/node",
    "/tmp/mac-powermetrics-agent-0.1.0-darwin-arm64/bin/node",
    "/opt/homebrew/Cellar/mac-powermetrics-agent/0.1.0/libexec/bin/node",
    "/Users/a/project/node_modules/node/bin/node",
  ])
    assert.equal(runtimeObjection(path), undefined, path);
});
