/**
 * Finds a port for a program that must be given one. Ports below those that systems give away by themselves (from 32768 on Linux, 49152 on
 * macOS), each reserved for one process of tests by a file, so that neither a connection nor another test takes it in the meantime.
 */
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = join(tmpdir(), "mac-agent-test-ports");
const first = 20_000;
const count = 10_000;
const mine: string[] = [];
let next = (process.pid * 37) % count;

process.on("exit", () => {
  for (const file of mine) rmSync(file, { force: true });
});

/** On the loopback address; this process' until it ends. @param from where to begin to look, 0 to 9999 */
export async function freePort(from?: number): Promise<number> {
  next = from ?? next;
  mkdirSync(folder, { recursive: true });
  for (let tries = 0; tries < count; tries++) {
    const port = first + next;
    next = (next + 1) % count;
    if (reserve(join(folder, String(port))) && (await isFree(port))) return port;
  }
  throw new Error(`cannot find a free port from ${first} on: all ${count} are taken`);
}

/** What a process left that has ended counts as free. */
function reserve(file: string): boolean {
  for (const flag of ["wx", "w"]) {
    try {
      writeFileSync(file, String(process.pid), { flag });
      mine.push(file);
      return true;
    } catch {
      if (isAlive(Number(ownerOf(file)))) return false;
    }
  }
  return false;
}

function ownerOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function isAlive(pid: number): boolean {
  // Another process has made the file and not yet written to it, or removed it just now.
  if (!(pid > 0)) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
