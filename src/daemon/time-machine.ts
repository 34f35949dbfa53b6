/** Keeps the journal out of Time Machine's backups: it changes all day, and a restored one would be sent a second time. */
import type { Step } from "./step.ts";
import { lookAt, type System } from "./system.ts";

/** By the folder's path, which needs root and, since macOS 10.15, Full Disk Access; else by a mark on the folder itself. */
const ways: readonly (readonly string[])[] = [["-p"], []];

export function backupStep(system: System): Step {
  const { state } = system.layout;
  return {
    describe: `exclude ${state} from Time Machine`,
    isDone: () => isExcluded(system),
    async do() {
      const refusals: string[] = [];
      for (const way of ways) {
        const refusal = await tmutil(["addexclusion", ...way, state], system);
        if (refusal === undefined) return undefined;
        refusals.push(refusal);
      }
      return {
        warning:
          `cannot exclude ${state} from Time Machine: ${refusals[0]}; it is backed up until you run ` +
          `sudo tmutil addexclusion -p '${state}' in a terminal with Full Disk Access`,
      };
    },
    undo: {
      describe: `give ${state} back to Time Machine`,
      isDue: async () => lookAt(state) !== undefined && (await isExcluded(system)),
      async do() {
        const refusals: (string | undefined)[] = [];
        for (const way of ways) refusals.push(await tmutil(["removeexclusion", ...way, state], system));
        if (refusals.includes(undefined)) return undefined;
        return {
          warning: `cannot end the exclusion of ${state}: ${refusals[0]}; run sudo tmutil removeexclusion -p '${state}'`,
        };
      },
    },
  };
}

async function isExcluded({ tool, layout }: System): Promise<boolean> {
  const { code, stdout } = await tool([layout.tmutil, "isexcluded", layout.state]);
  return code === 0 && stdout.includes("[Excluded]");
}

/** Why it was refused. */
async function tmutil(args: readonly string[], { tool, layout }: System): Promise<string | undefined> {
  const { code, stderr } = await tool([layout.tmutil, ...args]);
  return code === 0 ? undefined : stderr || `exit status ${code}`;
}
