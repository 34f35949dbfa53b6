import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import test from "node:test";
import { parseIoreg } from "../../src/parse/ioreg.ts";
import type { IoregSample } from "../../src/parse/sample.ts";
import { captureText, withCaptures } from "./captures.ts";

function read(...outputs: readonly string[]): IoregSample {
  const result = parseIoreg(...outputs.map((text) => Buffer.from(text)));
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

function plist(...entries: readonly string[]): string {
  return `<?xml version="1.0"?><plist version="1.0"><array>${entries.map((entry) => `<dict>${entry}</dict>`).join("")}</array></plist>`;
}

function number(key: string, value: number | bigint): string {
  return `<key>${key}</key><integer>${value}</integer>`;
}

function dict(key: string, ...inner: readonly string[]): string {
  return `<key>${key}</key><dict>${inner.join("")}</dict>`;
}

const battery =
  "<key>IOObjectClass</key><string>AppleSmartBattery</string><key>BatteryInstalled</key><true/>";
const nothingFound = { unknown: [], implausible: [] };

test(
  "a laptop on battery: the whole machine's power, energy with its seconds, and the battery",
  withCaptures,
  () => {
    assert.deepEqual(read(captureText("ioreg/battery-m5_Mac17,8-macos26-on_battery.plist")), {
      updateTimeMs: 1782352261000,
      system: {
        loadMilliwatts: 9676,
        adapterMilliwatts: 0,
        batteryMilliwatts: -9676,
        energyMillijoules: 1508591581,
        energySeconds: 1283087,
      },
      battery: {
        cycles: 5,
        capacities: { design: 8579, fullCharge: 8744, nominalCharge: 8988, remaining: 6474 },
        volts: 12.111,
        milliamperes: -799,
        celsius: 30.19,
        isConnected: false,
        isCharging: false,
        isFullyCharged: false,
        hasFailed: false,
      },
      findings: nothingFound,
    });
  },
);

test("macOS 11 has no telemetry of power; the adapter is named while it is connected", withCaptures, () => {
  const sample = read(captureText("ioreg/battery-m1air-macos11.0.1-on_ac.plist"));
  assert.equal(sample.system, undefined);
  assert.deepEqual([sample.battery?.adapterWatts, sample.battery?.celsius], [30, 23.19]);
});

test("the node of a desktop without a battery gives no battery", withCaptures, () => {
  assert.deepEqual(read(captureText("ioreg/battery-m4mini-macos15-no_battery-excerpt.plist")), {
    findings: nothingFound,
  });
});

test("macOS 27 keeps capacities inside BatteryData only", withCaptures, () => {
  const sample = read(captureText("ioreg/battery-macos27-capacities_in_BatteryData-excerpt.plist"));
  assert.deepEqual(sample.battery?.capacities, {
    design: 6249,
    fullCharge: 5845,
    nominalCharge: 6010,
    remaining: 5227,
  });
});

test("a GPU that computes is busy as a device, whatever its renderer does", withCaptures, () => {
  assert.deepEqual(read(captureText("ioreg/accelerator-m5family-excerpt.plist")).gpus, [
    {
      index: 0,
      memoryInUseBytes: 28367667200,
      memoryAllocatedBytes: 31368167424,
      devicePercent: 99,
      rendererPercent: 1,
      tilerPercent: 0,
      recoveries: 0,
    },
  ]);
});

test(
  "every capture is read without findings, and no serial number gets past the parser",
  withCaptures,
  () => {
    for (const name of readdirSync(new URL("../../../shared/captures/ioreg/", import.meta.url))) {
      const planted = captureText(`ioreg/${name}`).replaceAll("XXXXXXXXXXXXXXXXXX", "D86PLANTED01234567");
      const sample = read(planted);
      assert.deepEqual(sample.findings, nothingFound, name);
      assert.doesNotMatch(JSON.stringify(sample), /PLANTED/, name);
    }
  },
);

test("serial numbers, names and the manufacturer's data never get past the parser", () => {
  const identity = ["Serial", "BatterySerialNumber", "DeviceName", "ManufacturerData"]
    .map((key) => `<key>${key}</key><string>PLANTED</string>`)
    .join("");
  const inside = `${identity}<key>MfgData</key><data>UExBTlRFRA==</data>`;
  const sample = read(
    plist(
      `${battery}${inside}${number("CycleCount", 7)}${dict("BatteryData", inside)}${dict("AdapterDetails", inside)}`,
    ),
  );
  assert.equal(sample.battery?.cycles, 7);
  assert.doesNotMatch(JSON.stringify(sample), /PLANTED|UExBTlRFRA|80,76,65/);
});

test("nothing printed is a machine without battery and GPU", () => {
  assert.deepEqual(read("", "\n"), { findings: nothingFound });
});

test("numbers of 2^63 and more are the negative ones that they stand for", () => {
  const telemetry = dict("PowerTelemetryData", number("BatteryPower", 2n ** 64n - 9676n));
  const sample = read(plist(`${battery}${number("Amperage", 2n ** 64n - 799n)}${telemetry}`));
  assert.deepEqual([sample.battery?.milliamperes, sample.system?.batteryMilliwatts], [-799, -9676]);
});

test("the temperature in tenths of a kelvin is taken on Apple Silicon only", () => {
  const temperature = number("Temperature", 3034);
  const silicon = read(plist(`${battery}${number("MaxCapacity", 100)}${temperature}`));
  const intel = read(
    plist(`${battery}${number("MaxCapacity", 6200)}${number("CurrentCapacity", 5000)}${temperature}`),
  );
  assert.deepEqual([silicon.battery?.celsius, intel.battery?.celsius], [30.25, undefined]);
  assert.deepEqual(intel.battery?.capacities, { fullCharge: 6200, remaining: 5000 });
});

test("a value of another type is left out and reported by its key, and the rest is read", () => {
  const sample = read(
    plist(`${battery}<key>CycleCount</key><string>many</string>${number("Voltage", 12000)}`),
  );
  assert.deepEqual(sample.battery, { capacities: {}, volts: 12 });
  assert.deepEqual(sample.findings.unknown, ["battery.CycleCount"]);
});

test("what cannot be true is withheld", () => {
  const telemetry = dict(
    "PowerTelemetryData",
    number("SystemLoad", -5),
    number("AccumulatedSystemLoad", 2n ** 50n),
    number("SystemLoadAccumulatorCount", 60),
  );
  const { system, findings } = read(plist(`${battery}${telemetry}${number("VirtualTemperature", 65535)}`));
  assert.deepEqual(system, {});
  assert.deepEqual(findings.implausible, ["battery_temperature", "system_energy", "system_power"]);
});

test("an Intel Mac's two GPUs are two entries, with the keys of their drivers", () => {
  const statistics = (...inner: readonly string[]): string => dict("PerformanceStatistics", ...inner);
  const { gpus } = read(
    "",
    plist(
      `<key>model</key><data>${Buffer.from("Intel UHD Graphics 630\0").toString("base64")}</data>${statistics(number("Device Utilization %", 3))}`,
      `<key>model</key><string>AMD Radeon Pro 560X</string>${statistics(number("GPU Activity(%)", 41), number("vramUsedBytes", 2 ** 30))}`,
    ),
  );
  assert.deepEqual(gpus, [
    { index: 0, model: "Intel UHD Graphics 630", devicePercent: 3 },
    { index: 1, model: "AMD Radeon Pro 560X", memoryInUseBytes: 2 ** 30, devicePercent: 41 },
  ]);
});

test("an entry below another one is found", () => {
  const child = `<key>IORegistryEntryChildren</key><array><dict>${battery}${number("CycleCount", 3)}</dict></array>`;
  assert.equal(read(plist(child)).battery?.cycles, 3);
});

test("what is no list of entries is an error that says what was there", () => {
  const result = parseIoreg(Buffer.from("<plist><string>hello</string></plist>"));
  assert.equal(
    result.ok ? "" : result.error.message,
    "unexpected ioreg output: got string, want an array of entries",
  );
});
