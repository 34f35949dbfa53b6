/** The list of behaviours: a new one stands in the file of its subject. */
import { exemplars } from "./exemplars.ts";
import { ends } from "./ends.ts";
import { histograms } from "./histograms.ts";
import { labels } from "./labels.ts";
import { load } from "./load.ts";
import { metadata } from "./metadata.ts";
import { protocol } from "./protocol.ts";
import { responses } from "./responses.ts";
import { retries } from "./retries.ts";
import { samples } from "./samples.ts";
import { symbols } from "./symbols.ts";
import { times } from "./times.ts";
import { version1Requests } from "./version-1.ts";

/** Judged by what one exchange has sent. */
export const wireBehaviours = [
  ...protocol,
  ...symbols,
  ...labels,
  ...samples,
  ...times,
  ...metadata,
  ...histograms,
  ...exemplars,
  ...load,
  ...version1Requests,
];

/** Judged while one agent pushes to receivers that answer in every way; the last one ends it. */
export const answerBehaviours = [...responses, ...retries, ...ends];
