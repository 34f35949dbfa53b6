"""Computes what the metric contract promises of an ioreg property list, from the file alone: an independent judge of `replay --ioreg`.

Usage: python3 ioreg_oracle.py FILE
Prints {"series": value} as JSON. Not one line is shared with the agent: Python's plistlib reads, and the rules are written down again.
"""

import json
import plistlib
import sys


def put(out, series, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        out[series] = signed(value)


def signed(value):
    return value - 2**64 if isinstance(value, int) and value >= 2**63 else value


def scaled(value, factor):
    return None if value is None else signed(value) * factor


def first(*values):
    return next((value for value in values if value is not None), None)


def battery(entry, out):
    telemetry = entry.get("PowerTelemetryData", {})
    put(out, "ioreg_system_power_milliwatts", telemetry.get("SystemLoad"))
    put(out, "ioreg_adapter_power_milliwatts", telemetry.get("SystemPowerIn"))
    put(out, "ioreg_battery_power_milliwatts", telemetry.get("BatteryPower"))
    put(out, "ioreg_system_energy_joules_total", scaled(telemetry.get("AccumulatedSystemLoad"), 1e-3))
    put(out, "ioreg_system_energy_seconds_total", telemetry.get("SystemLoadAccumulatorCount"))
    if not entry.get("BatteryInstalled", True):
        return
    inner = entry.get("BatteryData", {})
    put(out, "ioreg_battery_cycles", entry.get("CycleCount"))
    capacities = {
        "design": first(entry.get("DesignCapacity"), inner.get("DesignCapacity")),
        "full_charge": first(entry.get("AppleRawMaxCapacity"), inner.get("FullChargeCapacity")),
        "nominal_charge": first(entry.get("NominalChargeCapacity"), inner.get("NominalChargeCapacity")),
        "remaining": first(entry.get("AppleRawCurrentCapacity"), inner.get("RemainingCapacity")),
    }
    for name, value in capacities.items():
        put(out, f"ioreg_battery_{name}_capacity_milliampere_hours", value)
    put(out, "ioreg_battery_voltage_volts", scaled(entry.get("Voltage"), 1e-3))
    put(out, "ioreg_battery_current_milliamperes", entry.get("Amperage"))
    if "VirtualTemperature" in entry:
        put(out, "ioreg_battery_temperature_celsius", entry["VirtualTemperature"] / 100)
    elif "Temperature" in entry and entry.get("MaxCapacity") == 100:
        put(out, "ioreg_battery_temperature_celsius", entry["Temperature"] / 10 - 273.15)
    failure = entry.get("PermanentFailureStatus")
    states = {
        "external_connected": entry.get("ExternalConnected"),
        "charging": entry.get("IsCharging"),
        "fully_charged": entry.get("FullyCharged"),
        "permanent_failure": None if failure is None else failure != 0,
    }
    for state, value in states.items():
        put(out, 'ioreg_battery_state{state="%s"}' % state, None if value is None else int(value))
    if entry.get("ExternalConnected"):
        put(out, "ioreg_adapter_rating_watts", entry.get("AdapterDetails", {}).get("Watts"))


def accelerator(index, entry, out):
    statistics = entry["PerformanceStatistics"]
    model = entry.get("model")
    if isinstance(model, bytes):
        model = model.split(b"\0")[0].decode("ascii")
    gpu = str(index) if model is None else f"{index} {model}"
    put(out, 'ioreg_gpu_memory_in_use_bytes{gpu="%s"}' % gpu, first(statistics.get("In use system memory"), statistics.get("vramUsedBytes")))
    put(out, 'ioreg_gpu_memory_allocated_bytes{gpu="%s"}' % gpu, statistics.get("Alloc system memory"))
    units = {
        "device": first(statistics.get("Device Utilization %"), statistics.get("GPU Activity(%)")),
        "renderer": statistics.get("Renderer Utilization %"),
        "tiler": statistics.get("Tiler Utilization %"),
    }
    for unit, value in units.items():
        put(out, 'ioreg_gpu_utilization_percent{gpu="%s",unit="%s"}' % (gpu, unit), value)
    put(out, 'ioreg_gpu_recoveries_total{gpu="%s"}' % gpu, statistics.get("recoveryCount"))


def main():
    with open(sys.argv[1], "rb") as file:
        entries = plistlib.load(file)
    out = {}
    for entry in entries:
        if entry.get("IOObjectClass") == "AppleSmartBattery":
            battery(entry, out)
    for index, entry in enumerate(entry for entry in entries if "PerformanceStatistics" in entry):
        accelerator(index, entry, out)
    json.dump(out, sys.stdout)


main()
