/** A volume of its own size for a test that fills it: a tmpfs, which takes root on Linux. */
import { execFileSync } from "node:child_process";
import { disposableFolder } from "./folder.ts";

interface SmallVolume {
  readonly folder: string;
  /** When nothing on it is open any more. */
  remove(): void;
}

/** The volume, or why there can't be one. @param size as mount takes it: `512k` */
export function smallVolume(size: string): SmallVolume | Error {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", folder], { stdio: "pipe" });
  } catch (error) {
    removeFolder();
    return new Error("mounting a small tmpfs takes root on Linux", { cause: error });
  }
  return {
    folder,
    remove() {
      execFileSync("umount", [folder]);
      removeFolder();
    },
  };
}
