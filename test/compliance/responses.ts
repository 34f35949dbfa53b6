/** Behaviours of what an answer means: success, refusal, another version, a message. */
import assert from "node:assert/strict";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { message, mostSamples, type SituationName } from "./answers.ts";
import { version1, version2 } from "./message.ts";
import type { Request } from "./recorder.ts";
import { assertRepeated, contents, type Scene, type SceneBehaviour } from "./scene.ts";

/** No sample in more than one request. */
function assertOnce(requests: readonly Request[]): void {
  const all = requests.flatMap(contents);
  assert.equal(new Set(all).size, all.length);
}

/** By the time that another receiver, which says 503, was asked six times; a busy machine may take longer for that. */
async function assertLeftAlone(scene: Scene, of: SituationName): Promise<void> {
  await scene.requests("always503", 6);
  const [first, ...others] = await scene.requests(of, 1);
  assert.ok(first && others.every(({ at }) => at - first.at >= 60_000));
}

async function assertFallsBack(scene: Scene, of: SituationName): Promise<readonly Request[]> {
  const requests = await scene.requests(of, 5);
  const [first, second] = requests;
  assert.ok(first && second);
  assert.equal(first.message.name, version2);
  const samples = new Set(contents(second));
  assert.ok(
    contents(first).every((sample) => samples.has(sample)),
    "the same samples",
  );
  assert.deepEqual(
    requests.slice(1).map(({ message }) => message.name),
    requests.slice(1).map(() => version1),
  );
  assertOnce(requests.slice(1));
  return requests;
}

const probing =
  "no 4xx should be asked again; this one is not about the samples, which are kept: one small batch asks again after 1, 2, 4, 8 and then every 15 minutes";

function refused(code: number, of: SituationName, cases: readonly string[], why = probing): SceneBehaviour {
  return {
    section: "Invalid Samples",
    level: "MUST",
    name: `a receiver that has said ${code} from the start is left alone`,
    cases,
    verdict: `differs: ${why}`,
    judge: (scene) => assertLeftAlone(scene, of),
  };
}

export const responses: readonly SceneBehaviour[] = [
  {
    section: "Response",
    level: "MUST",
    name: "a 204 is a success: nothing is sent twice",
    cases: ["response: handle_204_no_content"],
    judge: async (scene) => assertOnce(await scene.requests("with204", 4)),
  },
  {
    section: "Response",
    level: "MUST",
    name: "a 200 is a success, and the body of a success is of no interest",
    cases: ["response: handle_200_ok", "response: ignore_response_body_on_success"],
    judge: async (scene) => assertOnce(await scene.requests("with200", 4)),
  },
  {
    section: "Response",
    level: "SHOULD",
    name: "the receiver's message is logged as it is",
    cases: ["response: log_error_messages_verbatim"],
    async judge({ agent }) {
      await agent.logged(({ msg }) => msg.includes("remote_write/first400") && msg.includes(message));
    },
  },
  {
    section: "Response",
    level: "SHOULD",
    name: "of a message of a megabyte the log has the beginning",
    cases: ["response: handle_large_error_body", "error_handling: handle_large_error_response"],
    async judge(scene) {
      assertOnce(await scene.requests("large400", 4));
      const { msg } = await scene.agent.logged(({ msg }) => msg.includes("xxxxxxxx"));
      assert.ok(msg.length < 1000);
    },
  },
  {
    section: "Response",
    level: "MUST",
    name: "a message that says that the request is too large sends its samples in smaller ones",
    cases: [],
    verdict:
      "differs: no message should be interpreted; this agent reads it, only ever towards keeping samples that the status alone would drop",
    async judge(scene) {
      const requests = await scene.requests("worded400", 4);
      const again = new Set(requests.slice(2).flatMap(contents));
      assert.ok(requests[1] && contents(requests[1]).every((sample) => again.has(sample)));
    },
  },
  {
    section: "Required Written Response Headers",
    level: "SHOULD",
    name: "a 2xx to version 2 without counts is a 415: the same samples go as version 1",
    cases: ["error_handling: handle_empty_response"],
    async judge(scene) {
      await assertFallsBack(scene, "uncounted");
    },
  },
  {
    section: "Required Written Response Headers",
    level: "SHOULD",
    name: "a 2xx without counts is no success where version 2 alone is configured",
    cases: ["error_handling: handle_partial_write"],
    async judge(scene) {
      await assertLeftAlone(scene, "uncounted2");
      const { msg } = await scene.agent.logged(({ msg }) => msg.includes("remote_write/uncounted2"));
      assert.match(msg, /got none of the X-Prometheus-Remote-Write-\*-Written headers/);
    },
  },
  {
    section: "Partial Write",
    level: "MAY",
    name: "of a request that was written in part the rest is dropped and counted by the headers",
    cases: ["response: process_written_count_headers", "response: handle_partial_write_response"],
    async judge(scene) {
      const requests = await scene.requests("partial400", 4);
      assertOnce(requests);
      const { msg } = await scene.agent.logged(({ msg }) => msg.includes("remote_write/partial400"));
      const { samples = 0 } = requests[1] ?? {};
      assert.ok(msg.includes(`(${samples - 1} of ${samples} samples written)`), msg);
      assert.ok(msg.includes("one sample is out of order"), msg);
    },
  },
  {
    section: "Retries & Backoff",
    level: "MUST",
    name: "after a 503 the whole request goes again, although the headers count a part of it as written",
    cases: [],
    async judge(scene) {
      const requests = await scene.requests("partial503", 4);
      assertRepeated(requests.slice(1), 2);
    },
  },
  {
    section: "Unsupported Request Content",
    level: "MAY",
    name: "after a 415 the same samples go as version 1, and all that come later",
    cases: [
      "fallback: fallback_on_415_unsupported_media_type",
      "fallback: retry_with_different_version",
      "fallback: accept_success_after_fallback",
      "fallback: persistent_fallback_choice",
    ],
    async judge(scene) {
      await assertFallsBack(scene, "other415");
    },
  },
  {
    section: "Content-Type",
    level: "MUST",
    name: "with the version the headers change",
    cases: ["fallback: fallback_header_changes"],
    async judge(scene) {
      const [first, second] = await scene.requests("other415", 2);
      const headers = [first, second].map((one) => [
        one?.headers["content-type"],
        one?.headers["x-prometheus-remote-write-version"],
      ]);
      assert.deepEqual(headers, [
        ["application/x-protobuf;proto=io.prometheus.write.v2.Request", "2.0.0"],
        ["application/x-protobuf", "0.1.0"],
      ]);
    },
  },
  {
    section: "Unsupported Request Content",
    level: "SHOULD",
    name: "a 400 without counts may be that of a receiver of version 1, which gets the same samples",
    cases: [],
    async judge(scene) {
      await assertFallsBack(scene, "other400");
    },
  },
  {
    section: "2.x vs 1.x Compatibility",
    level: "MUST",
    name: "as long as version 2 is taken nothing goes as version 1",
    cases: ["fallback: TestNoFallbackOn2xx"],
    async judge(scene) {
      for (const { message } of await scene.requests("with204", 5)) assert.equal(message.name, version2);
    },
  },
  {
    section: "2.x vs 1.x Compatibility",
    level: "MAY",
    name: "version 1 can be configured",
    cases: ["rw1_compat: TestRemoteWrite1Configuration"],
    async judge(scene) {
      for (const { message } of await scene.requests("version1", 3)) assert.equal(message.name, version1);
    },
  },
  {
    section: "Invalid Samples",
    level: "MUST",
    name: "samples that are refused with 400 never go again, and hold nothing up",
    cases: ["retry: no_retry_on_400"],
    judge: async (scene) => assertOnce(await scene.requests("later400", 5)),
  },
  refused(
    400,
    "first400",
    ["response: handle_missing_written_headers"],
    `no 4xx should be asked again; but as long as a receiver has taken nothing its refusal may be about the address: the samples are kept, and ${probing.slice(probing.indexOf("one"))}`,
  ),
  refused(401, "first401", ["retry: no_retry_on_401"]),
  refused(404, "first404", ["retry: no_retry_on_404"]),
  {
    section: "Invalid Samples",
    level: "MUST",
    name: "what is refused with 413 goes in smaller requests, never in one of that size",
    cases: ["retry: no_retry_on_413"],
    verdict: "differs: no 4xx should be asked again; the request is not, its samples are",
    async judge(scene) {
      const reference = (await scene.requests("with204", 4)).find(({ samples }) => samples > mostSamples);
      assert.ok(reference);
      const isTaken = ({ samples }: Request): boolean => samples <= mostSamples;
      await scene.arrived("only413", contents(reference), isTaken);
      const refused = (await scene.requests("only413", 1)).filter((request) => !isTaken(request));
      assert.equal(new Set(refused.map(({ body }) => body.toString("base64"))).size, refused.length);
    },
  },
  {
    section: "Protocol",
    level: "MUST",
    name: "no reserved header can be configured",
    cases: [],
    judge() {
      for (const header of [
        "Content-Encoding",
        "content-type",
        "X-Prometheus-Remote-Write-Version",
        "user-agent",
      ]) {
        const { success } = remoteWriteSchema.safeParse({
          url: "http://x.test/",
          headers: { [header]: "x" },
        });
        assert.ok(!success, header);
      }
    },
  },
];
