/** Owns what went over the network and to the disks in the window. */
import { defined } from "../defined.ts";
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { DiskWindow, NetworkWindow } from "../sample.ts";

const knownOfNetwork = new Set(
  "opackets opacket_rate ipackets ipacket_rate obytes obyte_rate ibytes ibyte_rate".split(" "),
);
const knownOfDisk = new Set(
  "rops_diff rops_per_s wops_diff wops_per_s rbytes_diff rbytes_per_s wbytes_diff wbytes_per_s".split(" "),
);

export function readNetwork(network: Fields, log: FindingLog): NetworkWindow {
  network.expect(knownOfNetwork);
  const amount = (key: string): number | undefined => log.amount(`network_${key}`, network.number(key));
  return defined({
    receivedBytes: amount("ibytes"),
    receivedPackets: amount("ipackets"),
    transmittedBytes: amount("obytes"),
    transmittedPackets: amount("opackets"),
  });
}

export function readDisk(disk: Fields, log: FindingLog): DiskWindow {
  disk.expect(knownOfDisk);
  const amount = (key: string): number | undefined => log.amount(`disk_${key}`, disk.number(key));
  return defined({
    readBytes: amount("rbytes_diff"),
    writtenBytes: amount("wbytes_diff"),
    reads: amount("rops_diff"),
    writes: amount("wops_diff"),
  });
}
