/** The receivers that the fleet starts itself, one entry a program: how it is called, and where remote write goes. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Program {
  readonly path: string;
  readonly flags: (address: string, folder: string) => readonly string[];
}

export const programs: Readonly<Record<string, Program>> = {
  "victoria-metrics": {
    path: "/api/v1/write",
    flags: (address, folder) => [
      `-httpListenAddr=${address}`,
      `-storageDataPath=${folder}`,
      "-loggerLevel=ERROR",
    ],
  },
  prometheus: {
    path: "/api/v1/write",
    flags(address, folder) {
      const config = join(folder, "prometheus.yml");
      writeFileSync(config, "storage: { tsdb: { out_of_order_time_window: 7d } }\n");
      return [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}`,
        `--web.listen-address=${address}`,
        "--web.enable-remote-write-receiver",
        // Each Mac keeps a connection open; Prometheus lets 512 in unless told, and the others wait unanswered.
        "--web.max-connections=100000",
        "--log.level=error",
      ];
    },
  },
};

export const programNames: readonly string[] = Object.keys(programs);

export function isProgram(name: string): boolean {
  return Object.hasOwn(programs, name);
}
