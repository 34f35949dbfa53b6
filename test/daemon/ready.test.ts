import assert from "node:assert/strict";
import test from "node:test";
import { firstSampleMs } from "../../src/daemon/ready.ts";
import { accepted, worldOf } from "../config/world.ts";

const patience = (yaml: string): number => firstSampleMs(accepted(worldOf(yaml)).configuration);
const sources = (interval: string): string =>
  `sources: { powermetrics: { interval: ${interval} }, pmset: { enabled: false } }`;

test("an installation waits for a first window that powermetrics holds back for one more interval", () => {
  assert.equal(patience(sources("60s")), 135_000);
  assert.equal(patience(sources("10s")), 75_000, "sysctl's interval of 30 s is the longest");
});

test("nobody waits for windows of more than two minutes, or without an endpoint to ask", () => {
  assert.equal(patience(sources("5m")), 0);
  assert.equal(patience(`${sources("60s")}\nweb: { enabled: false }`), 0);
});
