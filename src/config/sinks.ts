/** Owns which sinks a configuration may name: a new sink is one line in each table. */
import * as z from "zod";
import type { Plain } from "./field.ts";
import { remoteWriteSchema, unsupportedKeys as unsupportedRemoteWrite } from "../sink/remote-write/schema.ts";

/** Section name → the schema of its list of blocks. */
export const sinkSections = {
  remote_write: z.array(remoteWriteSchema).default([]).describe("Prometheus remote write receivers"),
};

/** Keys that Prometheus has and this agent lacks, as dotted paths within one block: "not supported" instead of "unknown". */
export const unsupportedSinkKeys: Readonly<Record<string, readonly string[]>> = {
  remote_write: unsupportedRemoteWrite,
};

/** What a block of `config example` sets; everything else comes from the schema. */
export const sinkExamples: Readonly<Record<string, Readonly<Record<string, Plain>>>> = {
  remote_write: { url: "https://prometheus.example/api/v1/write" },
};
