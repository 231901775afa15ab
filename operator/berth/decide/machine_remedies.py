"""What would satisfy the rules about what KubeVirt and its nodes offer a machine."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from berth.decide.change import Change
from berth.decide.model import MachineAsk
from berth.decide.remedy import Case, ample, machine_classes, of_class, of_field, with_guest
from berth.decide.versions import SERVICE_ACCOUNTS
from berth.decide.words import memory


def features(case: Case) -> Iterable[Change]:
    """Yield what an author can do without, and what an admin can set up."""
    ask, machines = case.inputs.subject.ask, machine_classes(case)
    if ask.service_account is not None:
        yield of_field("remove spec.serviceAccountName", "serviceAccountName", None, service_account=None)
        yield of_class("upgrade KubeVirt", *machines, kubevirt_version=SERVICE_ACCOUNTS)
    yield of_class("set instancetype.referencePolicy of KubeVirt to reference", *machines, expands=False)
    for gate in sorted(case.facts.gates_off):
        yield of_class(f"switch feature gate {gate} of KubeVirt on", *machines, gates_off=case.facts.gates_off - {gate})


def _any_hardware(machine: MachineAsk | None) -> Iterable[Change]:
    """Yield to leave model of processor and machine type to KubeVirt, where the machine says them itself."""
    if machine is None:
        return
    guest = machine.guest
    if guest.model and (guest.instancetype is None or guest.model != guest.instancetype.model):
        yield of_field(
            "remove spec.machine.cpu.model", "machine.cpu.model", None, **with_guest(machine, replace(guest, model=""))
        )
    preferred = guest.preference.machine_type if guest.preference else ""
    if guest.machine_type != preferred:
        changed = with_guest(machine, replace(guest, machine_type=preferred))
        yield of_field("remove spec.machine.machineType", "machine.machineType", None, **changed)


def hardware(case: Case) -> Iterable[Change]:
    """Yield to leave hardware to KubeVirt, and to add such a node."""
    yield from _any_hardware(case.inputs.subject.ask.machine)
    yield from any_architecture(case)
    shapes = (ample(case), *case.facts.shapes)
    yield of_class(f"add a node with such hardware for {case.facts.name}", case.facts.name, shapes=shapes)


def any_architecture(case: Case) -> Iterable[Change]:
    """Yield to take the architecture of the preference, or any."""
    ask = case.inputs.subject.ask
    if ask.architecture is not None:
        changed: dict[str, Any] = {"architecture": None}
        if ask.machine is not None:
            preference = ask.machine.guest.preference
            preferred = preference.preferred_architecture or None if preference else None
            changed |= with_guest(ask.machine, replace(ask.machine.guest, architecture=preferred))
        yield of_field("drop needs.architecture", "needs.architecture", None, **changed)


def preference(case: Case) -> Iterable[Change]:
    """Yield what a preference requires."""
    machine = case.inputs.subject.ask.machine
    if machine is None:
        return
    guest, preference = machine.guest, machine.guest.preference
    if preference is not None and guest.instancetype is None:
        if guest.memory < preference.memory:
            text = f"raise guest memory to {memory(preference.memory)} per replica"
            changed = with_guest(machine, replace(guest, memory=preference.memory))
            yield of_field(text, "resources.requests.memory", str(preference.memory), **changed)
        if guest.vcpus < preference.cpus:
            text = f"raise guest cpu to {preference.cpus} per replica"
            changed = with_guest(machine, replace(guest, sockets=preference.cpus, cores=1, threads=1))
            yield of_field(text, "resources.requests.cpu", str(preference.cpus), **changed)
    if guest.graphics is not None:
        changed = with_guest(machine, replace(guest, graphics=None))
        yield of_field("remove spec.machine.graphics", "machine.graphics", None, **changed)
    yield from any_architecture(case)
