"""Computes what the metric contract promises of a powermetrics stream, from the file alone: an independent judge of `replay`.

Usage: python3 oracle.py FILE
Prints {"series": value} as JSON for the last document, counters summed over all documents. Not one line is shared with
the agent: Python's plistlib reads, and the rules are written down again from the contract.
"""

import json
import plistlib
import sys


def documents(path):
    with open(path, "rb") as file:
        raw = file.read()
    parts = [part.strip(b"\0\r\n\t ") for part in raw.split(b"</plist>")]
    return [plistlib.loads(part + b"</plist>") for part in parts[:-1]]


def cores(document):
    processor = document.get("processor", {})
    for cluster in processor.get("clusters", []):
        yield from cluster.get("cpus", [])


def intel_cores(document):
    for package in document.get("processor", {}).get("packages", []):
        for core in package.get("cores", []):
            for cpu in core.get("cpus", []):
                yield core, cpu


def share(ratio):
    """Of a window, in percent: rounding each state may take a busy core's sum a little beyond the whole."""
    return 100 * min(max(ratio, 0), 1)


def describe(document):
    """The gauges among the fixed metrics, plus a few that follow from the same fields."""
    out = {}
    processor = document.get("processor", {})
    gpu = document.get("gpu", {})
    seconds = document["elapsed_ns"] / 1e9
    for rail, key in [("cpu", "cpu_power"), ("gpu", "gpu_power"), ("ane", "ane_power"), ("combined", "combined_power")]:
        if key in processor:
            out[f"powermetrics_{rail}_power_milliwatts"] = processor[key]
    if "gpu_power" not in processor and "gpu_energy" in gpu:
        out["powermetrics_gpu_power_milliwatts"] = gpu["gpu_energy"] / seconds
    for cpu in cores(document):
        label = '{core="cpu%d"}' % cpu["cpu"]
        out["powermetrics_cpu_frequency_hertz" + label] = cpu["freq_hz"]
        out["powermetrics_cpu_idle_residency_percent" + label] = 100 * cpu["idle_ratio"]
        states = cpu.get("dvfm_states")
        active = sum(state["used_ratio"] for state in states) if states else 1 - cpu["idle_ratio"] - cpu.get("down_ratio", 0)
        out["powermetrics_cpu_active_residency_percent" + label] = share(active)
    for core, cpu in intel_cores(document):
        if "freq_hz" in cpu:
            label = '{core="cpu%d"}' % cpu["cpu"]
            out["powermetrics_cpu_frequency_hertz" + label] = cpu["freq_hz"]
            # Intel has no utilisation of its own, the core's C-states are the only measure.
            out["powermetrics_cpu_idle_residency_percent" + label] = 100 * core["c_state_ratio"]
            out["powermetrics_cpu_active_residency_percent" + label] = 100 * (1 - core["c_state_ratio"])
    for intel_gpu in document.get("GPU", [])[:1]:
        out["powermetrics_gpu_frequency_hertz"] = intel_gpu["freq_hz"]
        out["powermetrics_gpu_idle_residency_percent"] = 100 * intel_gpu["c_state_ratio"]
        out["powermetrics_gpu_active_residency_percent"] = 100 * (1 - intel_gpu["c_state_ratio"])
    if "idle_ratio" in gpu:
        out["powermetrics_gpu_idle_residency_percent"] = 100 * gpu["idle_ratio"]
        out["powermetrics_gpu_active_residency_percent"] = 100 * (1 - gpu["idle_ratio"])
    if "freq_hz" in gpu:
        out["powermetrics_gpu_frequency_hertz"] = gpu["freq_hz"] * 1e6
    out["powermetrics_sample_duration_seconds"] = seconds
    return out


def energies(all_documents):
    """Joules over all documents: integers in mJ in the source."""
    out = {}
    for rail in ["cpu", "gpu", "ane"]:
        key = f"{rail}_energy"
        values = [document["processor"][key] for document in all_documents if key in document.get("processor", {})]
        if rail == "gpu" and not values:
            values = [document["gpu"][key] for document in all_documents if key in document.get("gpu", {})]
        if values:
            out[f"powermetrics_{rail}_energy_joules_total"] = sum(values) / 1000
    return out


if __name__ == "__main__":
    read = documents(sys.argv[1])
    json.dump({**describe(read[-1]), **energies(read)}, sys.stdout)
