/**
 * The reasons for which a test may be left out: what this machine lacks. With REQUIRE_ALL=1, as in .ci/run, nothing is left out:
 * the test runs and fails for want of what it needs.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

export type Skip = string | false;

/** @param lacking why the test cannot run here; false or undefined when it can */
export function skipWhen(lacking: string | false | undefined): Skip {
  return process.env["REQUIRE_ALL"] === "1" ? false : (lacking ?? false);
}

/** For a platform that no other machine can stand in for: left out there even with REQUIRE_ALL. */
export function skipOnPlatform(lacking: string | false): Skip {
  return lacking;
}

/** Where a program is: in RECEIVERS_DIR or on PATH. */
export function findProgram(name: string): string | undefined {
  const { RECEIVERS_DIR: own, PATH: path = "" } = process.env;
  const folders = own === undefined ? [] : [own, join(own, "usr/bin")];
  return [...folders, ...path.split(delimiter)].map((folder) => join(folder, name)).find(existsSync);
}

/** @param name a receiver, or any other program that a test needs and a machine may lack: chromium, tmux, python3 */
export function skipWithoutProgram(name: string): Skip {
  return skipWhen(findProgram(name) === undefined && `${name} is neither on PATH nor in RECEIVERS_DIR`);
}
