/** Behaviours of what is sent again, and when. */
import assert from "node:assert/strict";
import { createBackoff } from "../../src/runtime/backoff.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import type { SituationName } from "./answers.ts";
import { assertRepeated, contents, unresolvable, type SceneBehaviour } from "./scene.ts";

function again(of: SituationName, what: string, cases: readonly string[]): SceneBehaviour {
  return {
    section: what.startsWith("a 5") ? "Retries & Backoff" : "beyond the specification",
    level: what.startsWith("a 5") ? "MUST" : "–",
    name: `after ${what} the same bytes go again until they are taken`,
    cases,
    async judge(scene) {
      assertRepeated(await scene.requests(of, 4), 3);
    },
  };
}

const seconds429 = 1000;

export const retries: readonly SceneBehaviour[] = [
  again("twice500", "a 500", ["retry: retry_on_500", "error_handling: sender_continues_after_errors"]),
  again("twice502", "a 502", ["retry: retry_on_502"]),
  again("twice503", "a 503", ["retry: retry_on_503"]),
  again("twice504", "a 504", ["retry: retry_on_504"]),
  again("twice999", "a status that is none", ["error_handling: handle_invalid_status_code"]),
  again("garbage", "an answer that is no HTTP", ["error_handling: handle_malformed_response"]),
  again("half", "an answer that is cut off", []),
  {
    section: "Retries & Backoff",
    level: "MAY",
    name: "after a 429 the same bytes go again, not before Retry-After says so",
    cases: ["retry: may_retry_on_429"],
    async judge(scene) {
      const requests = await scene.requests("first429", 3);
      assertRepeated(requests, 2);
      const [first, second] = requests;
      assert.ok((second?.at ?? 0) - (first?.at ?? 0) >= seconds429);
    },
  },
  {
    section: "Retries & Backoff",
    level: "MUST",
    name: "the pauses between retries double from 100 ms, give or take a tenth",
    cases: [
      "backoff: exponential_backoff_on_retries",
      "backoff: backoff_required",
      "backoff: backoff_with_jitter",
    ],
    async judge(scene) {
      const requests = await scene.requests("always503", 6);
      // A busy machine makes them longer, never shorter.
      requests.slice(1).forEach(({ at, body }, index) => {
        assert.ok(at - (requests[index]?.at ?? 0) >= 100 * 2 ** index * 0.9, `pause ${index}`);
        assert.ok(body.equals(requests[0]?.body ?? Buffer.of()));
      });
      const pauses = (random: number): readonly number[] => {
        const backoff = createBackoff(() => random, { minMs: 100, maxMs: 30_000 });
        return [backoff.next(), backoff.next(), backoff.next()].map(Math.round);
      };
      assert.deepEqual(
        [pauses(0), pauses(1)],
        [
          [90, 180, 360],
          [110, 220, 440],
        ],
      );
    },
  },
  {
    section: "Retries & Backoff",
    level: "–",
    name: "pauses grow no longer than max_backoff",
    cases: ["backoff: backoff_max_delay"],
    async judge(scene) {
      // Without a limit the last one alone would take minutes.
      await scene.requests("bounded503", 14);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a request that is not answered is given up after remote_timeout, and goes again",
    cases: ["error_handling: handle_timeout"],
    async judge(scene) {
      assertRepeated(await scene.requests("hang", 3), 2);
      await scene.agent.logged(({ msg }) => /remote_write\/hang: .* no whole answer in 2000 ms/.test(msg));
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MAY",
    name: "there is one request at a time: the next one waits for the answer",
    cases: ["batching: TestConcurrentRequests"],
    verdict:
      "left out: requests in parallel would overtake each other; one after another takes thousands of series a second",
    async judge(scene) {
      const [first, second] = await scene.requests("hang", 2);
      assert.ok(first && second?.body.equals(first.body));
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a receiver that refused connections gets everything once it listens",
    cases: ["error_handling: handle_connection_refused"],
    async judge(scene) {
      const [reference] = await scene.requests("with204", 3);
      assert.ok(reference);
      await scene.recorder("dead").receiver.start();
      await scene.arrived("dead", contents(reference));
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a name that cannot be resolved is logged and tried again",
    cases: ["error_handling: TestNetworkErrors/dns_resolution_failure"],
    async judge({ agent }) {
      const { level } = await agent.logged(({ msg }) =>
        msg.startsWith(`cannot deliver to remote_write/${unresolvable}`),
      );
      assert.equal(level, "warn");
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a URL of another scheme is refused before the start, by its place in the configuration",
    cases: ["error_handling: TestNetworkErrors/invalid_url_scheme"],
    judge() {
      const { error } = remoteWriteSchema.safeParse({ url: "invalid://localhost:9999" });
      assert.deepEqual(
        error?.issues.map(({ path, message }) => [path, message]),
        [[["url"], "must be an http or https URL"]],
      );
    },
  },
];
