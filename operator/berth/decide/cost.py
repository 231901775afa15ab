"""What one replica costs in a class: what is asked for, and what isolation adds.

Pods: the RuntimeClass's overhead.podFixed (KEP-688). Machines: what virt-launcher's container requests (KubeVirt 1.9,
GetMemoryOverhead), for guests sized by memory.guest, and the containers beside it: one that keeps the serial console's
log, and one for each disk from an image where it is no image volume.
CPU in millicores, memory in bytes.
"""

import struct
from typing import Final

from berth.api.levels import Backend
from berth.decide.guest import ARM64, architecture_of
from berth.decide.model import Ask, ClassFacts, Cost, Guest
from berth.decide.versions import IMAGE_VOLUMES, LARGE_QEMU
from berth.world.records import Beside

MI: Final = 1 << 20

_NOTHING: Final = Cost()
_POD: Final = Backend.POD
"""Every decision asks for it dozens of times, and up to Python 3.11 members of an enum are slow to look up."""
_FIXED: Final = 240 * MI
"""Launcher's monitor 25, launcher 100, virtlogd 25, virtqemud 40, QEMU 50."""
_OLD_QEMU: Final = 20 * MI
"""So much less KubeVirt requests for QEMU up to 1.8."""
_IO_THREAD: Final = 8 * MI
_PER_VCPU: Final = 8 * MI
_GRAPHICS: Final = 32 * MI
_ARM64_FIRMWARE: Final = 128 * MI
_PASSTHROUGH: Final = 1024 * MI
_TPM: Final = 53 * MI
_DEDICATED: Final = 100 * MI
_ENCRYPTED: Final = {None: 0, "sev": 256 * MI, "snp": 256 * MI, "tdx": 0}
"""By launch security. What is not known here has no cost, and so takes nobody."""
_EXEC_PROBES: Final = 100 * MI
_EXEC_PROBE: Final = 10 * MI
_PAGE_TABLES: Final = 512
"""One byte of page tables for so many bytes of memory that a guest requests outright."""
_EMULATOR: Final = 1000
_KILO: Final = 1000
_PERCENT: Final = 100


def overhead(ask: Ask, facts: ClassFacts) -> Cost:
    """Return what isolation adds to one replica."""
    if facts.backend is _POD:
        return facts.overhead
    if ask.machine is None:
        return _NOTHING
    guest = ask.machine.guest
    cost = Cost(_emulator(guest, facts), machine_overhead(ask, guest, facts))
    if guest.console_log:
        cost += _beside(facts.console_log, pinned=ask.pinned)
    if guest.container_disks and IMAGE_VOLUMES in facts.gates_off:
        cost += _beside(facts.container_disk, pinned=ask.pinned).times(guest.container_disks)
    return cost


def _emulator(guest: Guest, facts: ClassFacts) -> int:
    """Return the processors of an emulator thread of its own; two where their number would be odd else."""
    if guest.instancetype is None or not guest.instancetype.isolated:
        return 0
    return _EMULATOR * (2 if facts.even_parity and guest.vcpus % 2 == 0 else 1)


def _beside(container: Beside, *, pinned: bool) -> Cost:
    return Cost(container.cpu_limit, container.memory_limit) if pinned else Cost(container.cpu, container.memory)


def machine_overhead(ask: Ask, guest: Guest, facts: ClassFacts) -> int:
    """Return the memory that KubeVirt adds to a guest."""
    memory = _FIXED + _IO_THREAD + _PER_VCPU * guest.vcpus
    if facts.kubevirt_version is not None and facts.kubevirt_version < LARGE_QEMU:
        memory -= _OLD_QEMU
    if guest.screen:
        memory += _GRAPHICS
    if architecture_of(guest, facts) == ARM64:
        memory += _ARM64_FIRMWARE
    if guest.virtual_functions or ask.gpu or ask.host_devices or (guest.instancetype and guest.instancetype.devices):
        memory += _PASSTHROUGH
    if guest.tpm:
        memory += _TPM
    if ask.pinned:
        memory += _DEDICATED
    memory += _ENCRYPTED[facts.launch_security]
    if guest.exec_probes:
        memory += _EXEC_PROBES + _EXEC_PROBE * guest.exec_probes
    if _overcommitted(guest):
        memory += _in_kilo(_backed(guest, facts)) // _PAGE_TABLES
    return (
        memory
        if facts.overhead_ratio == 1.0
        else memory + int(_in_kilo(memory) / _KILO * (facts.overhead_ratio - 1.0)) * _KILO
    )


def _in_kilo(memory: int) -> int:
    """Return an amount in bytes, rounded up to whole thousands, as KubeVirt counts here."""
    return -(-memory // _KILO) * _KILO


def _overcommitted(guest: Guest) -> bool:
    return guest.instancetype is not None and guest.instancetype.overcommit > 0


def _backed(guest: Guest, facts: ClassFacts) -> int:
    """Return how much of its memory is requested for a guest: all, unless its instancetype or KubeVirt overcommits."""
    if guest.instancetype is not None and guest.instancetype.overcommit > 0:
        return int(_single(_single(guest.memory) * _single(1 - _single(guest.instancetype.overcommit / _PERCENT))))
    return guest.memory * _PERCENT // facts.memory_overcommit


def _single(number: float) -> float:
    """Return a number in single precision, in which KubeVirt overcommits."""
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def requested(ask: Ask, facts: ClassFacts) -> Cost:
    """Return what one replica sets aside without overhead: of a machine, the guest's memory and its processors.

    KubeVirt requests 1 / cpuAllocationRatio of a processor per virtual processor, or what it is set to; whole ones when
    dedicated. Memory in huge pages is not among it: `huge_pages` tells of that.
    """
    if facts.backend is _POD:
        return Cost(ask.cpu, ask.memory)
    if ask.machine is None:
        return _NOTHING
    guest = ask.machine.guest
    return Cost(_processors(ask, guest, facts), 0 if guest.page_size else _backed(guest, facts))


def _processors(ask: Ask, guest: Guest, facts: ClassFacts) -> int:
    if facts.cpu_request is not None and not ask.pinned:
        return facts.cpu_request
    processors = guest.vcpus + (guest.instancetype.io_threads if guest.instancetype else 0)
    return -(-processors * 1000 // (1 if ask.pinned else facts.cpu_allocation_ratio))


def huge_pages(ask: Ask, facts: ClassFacts) -> tuple[tuple[str, int], ...]:
    """Return the huge pages that one replica requests, as resource and bytes: none, or those of its guest's memory."""
    if ask.machine is None or not ask.machine.guest.page_size or facts.backend is _POD:
        return ()
    guest = ask.machine.guest
    return ((f"hugepages-{guest.page_size}", _backed(guest, facts)),)


def needed(ask: Ask, facts: ClassFacts) -> tuple[int, int]:
    """Return the processors and the memory that one replica sets aside on its node, with overhead."""
    if facts.backend is _POD:
        return ask.cpu + facts.overhead.cpu, ask.memory + facts.overhead.memory
    asked, added = requested(ask, facts), overhead(ask, facts)
    return asked.cpu + added.cpu, asked.memory + added.memory
