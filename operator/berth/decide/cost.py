"""What one replica costs in a class: what is asked for, and what isolation adds.

Pods: the RuntimeClass's overhead.podFixed (KEP-688). Machines: the memory formula of virt-launcher (KubeVirt 1.9,
GetMemoryOverhead), for guests sized by memory.guest, without the serial console log, which Berth turns off.
CPU in millicores, memory in bytes.
"""

from typing import Final

from berth.api.levels import Backend
from berth.decide.model import Ask, ClassFacts, Cost, MachineAsk

MI: Final = 1 << 20

_NOTHING: Final = Cost()
_POD: Final = Backend.POD
"""Every decision asks for it dozens of times, and up to Python 3.11 members of an enum are slow to look up."""
_FIXED: Final = 240 * MI
"""Launcher's monitor 25, launcher 100, virtlogd 25, virtqemud 40, QEMU 50."""
_IO_THREAD: Final = 8 * MI
_PER_VCPU: Final = 8 * MI
_GRAPHICS: Final = 32 * MI
_ARM64_FIRMWARE: Final = 128 * MI
_PASSTHROUGH: Final = 1024 * MI
_TPM: Final = 53 * MI
_DEDICATED: Final = 100 * MI
_ENCRYPTED: Final = 256 * MI
_EXEC_PROBES: Final = 100 * MI
_EXEC_PROBE: Final = 10 * MI


def overhead(ask: Ask, facts: ClassFacts) -> Cost:
    """Return what isolation adds to one replica."""
    if facts.backend is _POD:
        return facts.overhead
    return _NOTHING if ask.machine is None else Cost(0, machine_overhead(ask, ask.machine, facts))


def machine_overhead(ask: Ask, machine: MachineAsk, facts: ClassFacts) -> int:
    """Return the memory that KubeVirt adds to a guest. Processors it adds none: the emulator thread is not isolated."""
    memory = _FIXED + _IO_THREAD + _PER_VCPU * machine.vcpus
    if machine.graphics:
        memory += _GRAPHICS
    if _on_arm64(ask, facts):
        memory += _ARM64_FIRMWARE
    if ask.devices:
        memory += _PASSTHROUGH
    if machine.tpm:
        memory += _TPM
    if ask.dedicated or machine.dedicated:
        memory += _DEDICATED
    if facts.launch_security in ("sev", "snp"):
        memory += _ENCRYPTED
    if machine.exec_probes:
        memory += _EXEC_PROBES + _EXEC_PROBE * machine.exec_probes
    return memory


def _on_arm64(ask: Ask, facts: ClassFacts) -> bool:
    if ask.architecture is not None:
        return ask.architecture == "arm64"
    return bool(facts.shapes) and all(shape.architecture == "arm64" for shape in facts.shapes)


def requested(ask: Ask, facts: ClassFacts) -> Cost:
    """Return what one replica sets aside without overhead: of a machine, the guest's memory and its processors.

    KubeVirt requests 1 / cpuAllocationRatio of a processor per virtual processor, and whole ones when dedicated.
    """
    if facts.backend is _POD:
        return Cost(ask.cpu, ask.memory)
    machine = ask.machine
    if machine is None:
        return _NOTHING
    whole = ask.dedicated or machine.dedicated
    return Cost(machine.vcpus * 1000 // (1 if whole else facts.cpu_allocation_ratio), machine.memory)


def needed(ask: Ask, facts: ClassFacts) -> tuple[int, int]:
    """Return the processors and the memory that one replica sets aside on its node, with overhead."""
    if facts.backend is _POD:
        return ask.cpu + facts.overhead.cpu, ask.memory + facts.overhead.memory
    asked, added = requested(ask, facts), overhead(ask, facts)
    return asked.cpu + added.cpu, asked.memory + added.memory
