/** Prints what vm_stat, sysctl and pmset would for given readings, and says where in a text a reading stands; nothing of it is from src. */
import fc from "../support/property.ts";

/** A parser's sample without its findings. */
export type Readings = Readonly<Record<string, string | number | boolean>>;

export interface Printed {
  readonly text: string;
  readonly readings: Readings;
}

export interface ToolModel {
  readonly printed: fc.Arbitrary<Printed>;
  /** Whether the reading stands in the text: its number as a whole word, behind its own name. */
  readonly stands: (text: string, name: string, value: string | number | boolean) => boolean;
}

const vmStatLabels: Readonly<Record<string, string>> = {
  free: "Pages free",
  active: "Pages active",
  inactive: "Pages inactive",
  speculative: "Pages speculative",
  throttled: "Pages throttled",
  wired: "Pages wired down",
  purgeable: "Pages purgeable",
  faults: '"Translation faults"',
  copyOnWrite: "Pages copy-on-write",
  zeroFilled: "Pages zero filled",
  reactivated: "Pages reactivated",
  purged: "Pages purged",
  fileBacked: "File-backed pages",
  anonymous: "Anonymous pages",
  compressor: "Pages stored in compressor",
  compressorOccupied: "Pages occupied by compressor",
  decompressions: "Decompressions",
  compressions: "Compressions",
  pageIns: "Pageins",
  pageOuts: "Pageouts",
  swapIns: "Swapins",
  swapOuts: "Swapouts",
};

const count = fc.oneof(fc.maxSafeNat(), fc.nat(100));
/** So few that all kinds of pages together fit into a large Mac's memory. */
const pages = fc.nat(10_000_000);
const isPages = (name: string): boolean =>
  / pages|^Pages (?!copy|zero|react|purged)/.test(vmStatLabels[name] ?? "");

const vmStat: ToolModel = {
  printed: fc
    .tuple(
      fc.constantFrom(4096, 16384),
      fc.record(
        Object.fromEntries(Object.keys(vmStatLabels).map((name) => [name, isPages(name) ? pages : count])),
        {
          requiredKeys: [],
        },
      ),
      fc.constantFrom(25, 30, 35),
    )
    .map(([pageSizeBytes, counts, width]) => {
      const rows = Object.entries(counts).map(([name, value]) => {
        return `${`${vmStatLabels[name] ?? ""}:`.padEnd(width)} ${String(value).padStart(16)}.\n`;
      });
      const header = `Mach Virtual Memory Statistics: (page size of ${pageSizeBytes} bytes)\n`;
      return { text: header + rows.join(""), readings: { pageSizeBytes, ...counts } };
    }),
  stands(text, name, value) {
    if (name === "pageSizeBytes") return numbersIn(text, /\(page size of (\d+) bytes\)/g).includes(value);
    const label = vmStatLabels[name]?.replaceAll('"', "");
    return linesOf(text.replaceAll('"', "")).some((line) => {
      const [, before, digits] = /^(.*):\s*(\d+)\.?$/.exec(line) ?? [];
      return before?.trim() === label && Number(digits) === value;
    });
  },
};

const swapNames: Readonly<Record<string, string>> = {
  swapTotalBytes: "total",
  swapUsedBytes: "used",
  swapFreeBytes: "free",
};
/** Hundredths of a mebibyte, as `%.2fM` prints them. */
const hundredths = fc.nat(500_000_000);
const units: Readonly<Record<string, number>> = { "": 0, B: 0, K: 1, M: 2, G: 3, T: 4 };
const bytesOf = (number: number, power: number): number => Math.round(number * 1024 ** power);

const sysctl: ToolModel = {
  printed: fc
    .record({
      swap: fc.tuple(hundredths, hundredths).map(([used, free]) => [used + free, used, free] as const),
      memoryBytes: fc.integer({ min: 1, max: 16 * 2 ** 40 }),
      seconds: fc.nat(2 ** 31 - 1),
      micros: fc.nat(999_999),
      memoryPressureLevel: fc.constantFrom(1, 2, 4),
      separator: fc.constantFrom(": ", " = ", "="),
      order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    })
    .map(({ swap, memoryBytes, seconds, micros, memoryPressureLevel, separator, order }) => {
      const [total = "", used = "", free = ""] = swap.map((one) => `${(one / 100).toFixed(2)}M`);
      const rows = [
        ["vm.swapusage", `total = ${total}  used = ${used}  free = ${free}  (encrypted)`],
        ["hw.memsize", memoryBytes],
        ["kern.boottime", `{ sec = ${seconds}, usec = ${micros} } Sun Dec 31 19:00:16 2000`],
        ["kern.memorystatus_vm_pressure_level", memoryPressureLevel],
      ];
      const text = order.map((at) => `${rows[at]?.join(separator) ?? ""}\n`).join("");
      const [swapTotalBytes = 0, swapUsedBytes = 0, swapFreeBytes = 0] = swap.map((one) =>
        Number((BigInt(one) * 2n ** 20n + 50n) / 100n),
      );
      const bootTimeMs = seconds * 1000 + Math.floor(micros / 1000);
      const sizes = { swapTotalBytes, swapUsedBytes, swapFreeBytes, memoryBytes };
      return { text, readings: { ...sizes, bootTimeMs, memoryPressureLevel } };
    }),
  stands(text, name, value) {
    switch (name) {
      case "memoryBytes":
        return numbersIn(text, /^hw\.memsize\s*[:=]\s*(\d+)$/g).includes(value);
      case "memoryPressureLevel":
        return numbersIn(text, /^kern\.memorystatus_vm_pressure_level\s*[:=]\s*(\d+)$/g).includes(value);
      case "bootTimeMs":
        return matchesIn(text, /(?<!\w)sec = (\d+), usec = (\d+)(?!\w)/g).some(
          ([, seconds, micros]) => Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) === value,
        );
      default:
        return matchesIn(text, /(?<=[\s:=])(\w+) = (\d+(?:[.,]\d+)?)([BKMGT]?)(?!\S)/g).some(
          ([, word, number = "", unit = ""]) =>
            word === swapNames[name] && bytesOf(Number(number.replace(",", ".")), units[unit] ?? 0) === value,
        );
    }
  },
};

const states = ["charging", "discharging", "charged", "finishing charge", "AC attached"];

/** By the number that pmset prints. */
const powerModes = ["automatic", "low", "high"] as const;

const pmset: ToolModel = {
  printed: fc
    .record({
      powerSource: fc.constantFrom("AC Power", "Battery Power", "UPS Power"),
      chargePercent: fc.nat(100),
      batteryState: fc.constantFrom(...states),
      powerMode: fc.constantFrom(...powerModes),
      id: fc.nat(99_999_999),
    })
    .map(({ id, ...readings }) => {
      const { powerSource, chargePercent, batteryState, powerMode } = readings;
      const battery = `-InternalBattery-0 (id=${id})\t${chargePercent}%; ${batteryState}; 0:${id % 60} remaining present: true`;
      const text = `Now drawing from '${powerSource}'\n ${battery}\nCurrently in use:\n powermode            ${powerModes.indexOf(powerMode)}\n womp 1\n`;
      return { text, readings };
    }),
  stands(text, name, value) {
    switch (name) {
      case "chargePercent":
        return numbersIn(text, /(?<!\S)(\d+)%;/g).includes(value);
      case "powerMode":
        return numbersIn(text, /(?<!\S)(?:low)?powermode\s+(\d+)(?!\S)/g).includes(
          powerModes.findIndex((mode) => mode === value),
        );
      case "powerSource":
        return singleSpaced(text).includes(`'${String(value)}'`);
      default:
        return singleSpaced(text).includes(String(value));
    }
  },
};

/** The reader of pmset makes white space within a line single. */
function singleSpaced(text: string): string {
  return linesOf(text)
    .map((line) => line.replaceAll(/\s+/g, " "))
    .join("\n");
}

/** Lines as every tool's reader takes them apart. */
function linesOf(text: string): readonly string[] {
  return text.split(/[\r\n\0]+/).map((line) => line.trim());
}

/** Every match within a line. */
function matchesIn(text: string, pattern: RegExp): readonly RegExpExecArray[] {
  return linesOf(text).flatMap((line) => [...line.matchAll(pattern)]);
}

/** The first group of each. */
function numbersIn(text: string, pattern: RegExp): readonly unknown[] {
  return matchesIn(text, pattern).map(([, digits]) => Number(digits));
}

export const models = { vm_stat: vmStat, sysctl, pmset } as const;
