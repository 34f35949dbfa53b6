/** Real receivers of tests: found on PATH or in RECEIVERS_DIR, on loopback, with a folder that goes with them. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { get } from "node:http";
import { delimiter, join } from "node:path";
import { freePort } from "./free-port.ts";
import { until } from "./until.ts";
import { disposableFolder } from "./folder.ts";

export interface Receiver extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly origin: string;
  /** The body of a GET. */
  ask(path: string): Promise<string>;
}

export function findReceiver(name: string): string | undefined {
  const { RECEIVERS_DIR: own, PATH: path = "" } = process.env;
  const folders = own === undefined ? [] : [own, join(own, "usr/bin")];
  return [...folders, ...path.split(delimiter)].map((folder) => join(folder, name)).find(existsSync);
}

/**
 * The reason to skip a test, or false to run it.
 *
 * @param name a receiver, or any other program that a test needs and a machine may lack: chromium, tmux, python3
 */
export function skipWithout(name: string): string | false {
  return findReceiver(name) === undefined && `${name} is neither on PATH nor in RECEIVERS_DIR`;
}

/** Starts it on a free port and waits until it says that it is ready. */
export async function startReceiver(
  name: string,
  flags: (address: string, folder: string) => readonly string[],
  readyPath: string,
): Promise<Receiver> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(findReceiver(name) ?? name, flags(address, folder), { stdio: "ignore" });
  const origin = `http://${address}`;
  const receiver: Receiver = {
    origin,
    ask: async (path) => (await fetchText(origin + path)) ?? "",
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill("SIGKILL")) await once(child, "exit");
      removeFolder();
    },
  };
  try {
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`cannot start ${name}: exit status ${child.exitCode}`);
        return (await fetchText(origin + readyPath)) !== undefined;
      },
      () => `cannot start ${name}: not ready at ${address}`,
    );
  } catch (error) {
    await receiver[Symbol.asyncDispose]();
    throw error;
  }
  return receiver;
}

/** The body of a successful answer; undefined for any other end. */
function fetchText(url: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : undefined));
    }).on("error", () => resolve(undefined));
  });
}
