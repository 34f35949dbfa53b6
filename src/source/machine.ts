/** What the operating system itself says of this machine, for checking what its tools print; tests bring their own. */
import { totalmem } from "node:os";

export interface Machine {
  readonly memoryBytes: number;
}

/** Of this Mac. A simulated one is another machine than this, and so is what runs on other systems: there nobody is asked. */
export function thisMachine(platform: string, simulated: boolean): Machine | undefined {
  return platform === "darwin" && !simulated ? { memoryBytes: totalmem() } : undefined;
}
