/** One agent that pushes to a receiver of each situation, and what came of it. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { startAgent, until, type Agent } from "../cli/agent.ts";
import { mostSamples, situations, type Situation, type SituationName } from "./answers.ts";
import type { Behaviour } from "./behaviour.ts";
import { noSources, scrapeBlock } from "./exchange.ts";
import { version2 } from "./message.ts";
import { startRecorder, type Recorder, type Request } from "./recorder.ts";
import { startTarget } from "./target.ts";

export interface Scene {
  readonly agent: Agent;
  /** Waited for until there are at least so many. */
  requests(of: SituationName, count: number): Promise<readonly Request[]>;
  /** Waits until all of these samples came, in requests that the receiver takes. */
  arrived(
    of: SituationName,
    wanted: readonly string[],
    isTaken?: (request: Request) => boolean,
  ): Promise<void>;
  readonly recorder: (of: SituationName) => Recorder;
}

export type SceneBehaviour = Behaviour<Scene>;

export const unresolvable = "nowhere";

export async function setScene(t: TestContext): Promise<Scene> {
  const names = Object.keys(situations) as SituationName[];
  const recorders = {} as Record<SituationName, Recorder>;
  for (const name of names) {
    const recorder = await startRecorder(situations[name].judge);
    recorders[name] = recorder;
    t.after(() => recorder[Symbol.asyncDispose]());
  }
  await recorders.dead.receiver.stop();
  const blocks = names.map((name) => block(name, recorders[name].url, situations[name]));
  const nowhere = block(unresolvable, "http://nonexistent.invalid:9999/api/v1/write");
  const target = await startTarget(t, new Map([["/scene", () => ({ format: "text", text: exposition })]]));
  const agent = await startAgent(t, {
    configuration: JSON.stringify({
      ...noSources,
      scrape_configs: [scrapeBlock("scene", target)],
      remote_write: [...blocks, nowhere],
    }),
  });
  return {
    agent,
    recorder: (name) => recorders[name],
    async arrived(name, wanted, isTaken = () => true) {
      await until(
        () => {
          const got = new Set(recorders[name].requests.filter(isTaken).flatMap(contents));
          return wanted.every((sample) => got.has(sample));
        },
        () => `not all of ${wanted.length} samples came to ${name}`,
      );
    },
    requests(name, count) {
      const { requests } = recorders[name];
      return until(
        () => (requests.length >= count ? recorders[name].requests : undefined),
        () => `${name} got ${requests.length} requests, want ${count}`,
      );
    },
  };
}

/** Enough for a receiver that takes small requests alone. */
const exposition = `# TYPE scene_series gauge
${Array.from({ length: mostSamples + 50 }, (_, index) => `scene_series{label="${index}"} ${index}\n`).join("")}`;

function block(name: string, url: string, { settings = {} }: Partial<Situation> = {}): object {
  const { queue_config = {}, ...others } = settings as { readonly queue_config?: object };
  return {
    name,
    url,
    protobuf_message: version2,
    ...others,
    queue_config: { batch_send_deadline: "500ms", ...queue_config },
  };
}

/** The first requests are the same bytes, at least so many times, and what comes after them is not. */
export function assertRepeated(requests: readonly Request[], times: number): void {
  const [first] = requests;
  assert.ok(first);
  const same = requests.map(({ body }) => body.equals(first.body));
  const count = same.filter(Boolean).length;
  assert.ok(count >= times && !same.slice(0, count).includes(false), same.join(" "));
}

/** Each sample as text, with its series; to compare what came in different requests and versions. */
export function contents({ message }: Request): readonly string[] {
  return message.series.flatMap(({ labels, samples }) =>
    samples.map(({ value, timestamp }) => `${JSON.stringify(labels)} ${value} ${timestamp}`),
  );
}
