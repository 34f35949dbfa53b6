/** The rows of a machine's dashboard about memory and traffic. */
import { pressureMeanings } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import { inBytes, of, rate } from "./query.ts";
import { lines, stacked, timeline } from "./view.ts";

const free = `(${of("vmstat_pages_free_count")} + ${of("vmstat_pages_speculative_count")})`;
const applications = `(${of("vmstat_pages_anonymous_count")} - ${of("vmstat_pages_purgeable_count")})`;
/** Speculative pages are file-backed too: they are shown once, as free. */
const cached = `(${of("vmstat_pages_file_backed_count")} + ${of("vmstat_pages_purgeable_count")} - ${of("vmstat_pages_speculative_count")})`;

export const memoryRow: Row = {
  title: "Memory",
  height: 8,
  panels: [
    {
      title: "Memory by use",
      description:
        "Physical memory as Activity Monitor splits it. The parts add up to nearly all of it; macOS leaves little free on purpose.",
      view: stacked("bytes"),
      queries: [
        { expression: inBytes(of("vmstat_pages_wired_count")), legend: "wired" },
        { expression: inBytes(applications), legend: "applications" },
        { expression: inBytes(of("vmstat_compressor_occupied_pages")), legend: "compressor" },
        { expression: inBytes(cached), legend: "cached files" },
        { expression: inBytes(free), legend: "free" },
      ],
      width: 12,
    },
    {
      title: "Swap files",
      description:
        "macOS makes and removes swap files as needed; what is used matters, and how fast it changes.",
      view: lines("bytes", { min: 0 }),
      queries: [
        { expression: of("vmstat_swap_used_bytes"), legend: "used" },
        { expression: of("vmstat_swap_total_bytes"), legend: "size" },
      ],
      width: 12,
    },
    {
      title: "Memory pressure",
      description: "The kernel's own judgement: the best sign of a machine that is short of memory.",
      view: timeline("none", pressureMeanings),
      queries: [{ expression: of("vmstat_memory_pressure_level"), legend: "level" }],
      width: 8,
    },
    {
      title: "Swapping",
      description:
        "Bytes moved between memory and swap files. Tens of megabytes a second for minutes are felt by users.",
      view: lines("binBps", { min: 0 }),
      queries: [
        { expression: inBytes(rate("vmstat_swap_ins_total")), legend: "in" },
        { expression: inBytes(rate("vmstat_swap_outs_total")), legend: "out" },
      ],
      width: 8,
    },
    {
      title: "Compressor",
      description: "What was compressed and decompressed, in bytes before compression.",
      view: lines("binBps", { min: 0 }),
      queries: [
        { expression: inBytes(rate("vmstat_pages_compressed_total")), legend: "compressed" },
        { expression: inBytes(rate("vmstat_pages_decompressed_total")), legend: "decompressed" },
      ],
      width: 8,
    },
    {
      title: "Compression ratio",
      description: "Pages that the compressor holds over pages that it occupies.",
      view: lines("none"),
      queries: [
        {
          expression: `${of("vmstat_pages_compressor_count")} / (${of("vmstat_compressor_occupied_pages")} > 0)`,
          legend: "ratio",
        },
      ],
      width: 8,
    },
    {
      title: "Faults",
      description: "Address translation faults, and those that copied or zeroed a page.",
      view: lines("cps", { min: 0 }),
      queries: [
        { expression: rate("vmstat_faults_total"), legend: "all" },
        { expression: rate("vmstat_pages_cow_faults_total"), legend: "copy on write" },
        { expression: rate("vmstat_pages_zero_filled_total"), legend: "zero filled" },
      ],
      width: 8,
    },
    {
      title: "Paging",
      description: "Bytes read from and written to files by paging, swap files apart.",
      view: lines("binBps", { min: 0 }),
      queries: [
        { expression: inBytes(rate("vmstat_page_ins_total")), legend: "in" },
        { expression: inBytes(rate("vmstat_page_outs_total")), legend: "out" },
      ],
      width: 8,
    },
  ],
};

export const trafficRow: Row = {
  title: "Network and disks",
  height: 7,
  panels: [
    {
      title: "Network",
      description: "All interfaces together.",
      view: lines("binBps", { min: 0 }),
      queries: [
        { expression: rate("powermetrics_network_receive_bytes_total"), legend: "received" },
        { expression: rate("powermetrics_network_transmit_bytes_total"), legend: "transmitted" },
      ],
      width: 6,
    },
    {
      title: "Packets",
      description: "All interfaces together.",
      view: lines("pps", { min: 0 }),
      queries: [
        { expression: rate("powermetrics_network_receive_packets_total"), legend: "received" },
        { expression: rate("powermetrics_network_transmit_packets_total"), legend: "transmitted" },
      ],
      width: 6,
    },
    {
      title: "Disks",
      description: "All disks together.",
      view: lines("binBps", { min: 0 }),
      queries: [
        { expression: rate("powermetrics_disk_read_bytes_total"), legend: "read" },
        { expression: rate("powermetrics_disk_written_bytes_total"), legend: "written" },
      ],
      width: 6,
    },
    {
      title: "Disk operations",
      description: "All disks together.",
      view: lines("iops", { min: 0 }),
      queries: [
        { expression: rate("powermetrics_disk_reads_total"), legend: "reads" },
        { expression: rate("powermetrics_disk_writes_total"), legend: "writes" },
      ],
      width: 6,
    },
  ],
};
