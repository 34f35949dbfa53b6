/** A Collector that refuses requests for its own sake, or for its configuration's: nothing is lost, and the log says why. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { temporaryFolder } from "../../cli/agent.ts";
import { noOpenssl, selfSigned } from "../../runtime/http/receivers.ts";
import { assertSamePoints, startCapture, type Capture } from "./captured.ts";
import { skip, startCollector, type Collector, type CollectorSettings } from "./collector.ts";
import { startPushing, type Pushing } from "./pushing.ts";
import { createStory } from "./story.ts";

interface Refusal {
  readonly settings: CollectorSettings;
  readonly told: RegExp;
  /** More of the block. */
  readonly block?: object;
}

/** The agent meets the refusal, before its receiver has taken anything of it or after, until `mend`; then all arrives. */
async function suffer(
  t: TestContext,
  { settings, told, block = {} }: Refusal,
  before: number,
  mend: (collector: Collector, it: Pushing, through: Capture) => Promise<void>,
): Promise<void> {
  const [direct, through] = [await startCapture(t), await startCapture(t)];
  const witness = await startPushing(t, { metrics_endpoint: direct.url, ...block });
  const collector = await startCollector(t, through.url);
  const it = await startPushing(t, { endpoint: `http://${collector.address}`, ...block });
  const story = createStory();
  const publish = (count: number): void => {
    const snapshots = story.next(count);
    for (const one of [witness, it]) one.publish(...snapshots);
  };

  publish(before);
  await it.drained();
  await collector.start(settings);
  // A process that begins with it asks before it sends.
  if (before === 0) await it.restart(0);
  through.answering = settings.queue === undefined;
  // It may take some before it refuses, and a limit of bytes is met by many at once. Few in all: their times run ahead, and too far is held.
  await it.until(({ backlog }) => {
    if (backlog.snapshots === 0) publish(10);
    return told.test(it.told());
  });
  publish(30);
  assert.deepEqual(it.state().dropped, {});
  await mend(collector, it, through);
  publish(5);
  const end = story.end();
  for (const one of [witness, it]) one.publish(end);
  await Promise.all([it.drained(), witness.drained()]);
  assert.deepEqual(it.state().dropped, {});
  assertSamePoints(through.points, direct.points);
}

const refusals: Readonly<Record<string, Refusal>> = {
  "without memory": {
    settings: { processors: { memory_limiter: { check_interval: "50ms", limit_mib: 1 } } },
    told: /got 503, want 2xx: data refused due to high memory usage/,
  },
  "that does not unpack gzip": {
    settings: { http: { compression_algorithms: ["zstd"] } },
    told: /unsupported Content-Encoding: gzip.*; .*compression/i,
  },
  "that speaks gRPC": {
    settings: { grpc: true },
    told: /gRPC/,
  },
};

for (const [name, refusal] of Object.entries(refusals))
  for (const before of [0, 3])
    test(
      `a Collector ${name} gets all once it is well, ${before === 0 ? "from its first" : "after its first"} sample`,
      { skip },
      (t) =>
        suffer(t, refusal, before, async (collector, it) => {
          await collector.start({});
          await it.restart(60_000);
        }),
    );

test("a Collector whose queue is full gets all, the later part later", { skip }, (t) =>
  suffer(
    t,
    {
      settings: { queue: { enabled: true, num_consumers: 1, queue_size: 1, sizer: "requests" } },
      told: /sending queue is full/,
      block: {
        queue_config: {
          max_samples_per_send: 20,
          batch_send_deadline: "20ms",
          min_backoff: "20ms",
          max_backoff: "100ms",
        },
      },
    },
    3,
    (_collector, _it, through) => {
      through.answering = true;
      return Promise.resolve();
    },
  ),
);

test(
  "a Collector that takes no more than 700 bytes, unpacked, gets all in parts, those of a single snapshot too",
  { skip },
  (t) =>
    suffer(t, { settings: { http: { max_request_body_size: 700 } }, told: /request body too large/ }, 3, () =>
      Promise.resolve(),
    ),
);

test(
  "a Collector that wants TLS is said to want it, and gets all with it",
  { skip: skip || noOpenssl },
  (t) => {
    const { certFile, keyFile } = selfSigned(temporaryFolder(t), "collector", "IP:127.0.0.1");
    const tls = { cert_file: certFile, key_file: keyFile };
    return suffer(
      t,
      { settings: { http: { tls } }, told: /HTTP request to an HTTPS server.*; .*https:/ },
      0,
      (collector, it) =>
        it.restart(0, { endpoint: `https://${collector.address}`, tls_config: { ca_file: certFile } }),
    );
  },
);
