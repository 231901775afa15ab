"""What a remedy is given, and the changes that it may offer."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from berth.api.levels import Backend
from berth.decide.change import Change, Inputs, Target
from berth.decide.cost import huge_pages
from berth.decide.guest import architecture_of, model_of, node_devices
from berth.decide.model import ClassFacts, Guest, MachineAsk, NodeShape, Requirement

_MUCH: Final = 1 << 60


@dataclass(frozen=True, slots=True)
class Case:
    """One class that was ruled out, and the inputs that it was ruled out with."""

    inputs: Inputs
    requirement: Requirement
    facts: ClassFacts


Remedy = Callable[[Case], Iterable[Change]]
"""Yields what would satisfy a rule that ruled a class out."""


def of_field(text: str, path: str, value: Any, **fields: Any) -> Change:
    """Return a change of the Workload: of one field of its spec, and so of its Ask."""
    return Change(text, Target.WORKLOAD, fields=tuple(fields.items()), path=path, value=value)


def of_class(text: str, *names: str, **fields: Any) -> Change:
    """Return a change of what the cluster offers for some classes."""
    return Change(text, Target.CLASSES, names=names, fields=tuple(fields.items()))


def ample(case: Case) -> NodeShape:
    """Return a node that has whatever is asked for."""
    ask, facts = case.inputs.subject.ask, case.facts
    pages = tuple((name, _MUCH) for name, _ in huge_pages(ask, facts))
    is_machine = facts.backend is Backend.VIRTUAL_MACHINE
    architecture = architecture_of(ask.machine.guest, facts) if ask.machine and is_machine else ask.architecture
    guest = ask.machine.guest if ask.machine and is_machine else Guest(0)
    return NodeShape(
        cpu=_MUCH,
        memory=_MUCH,
        devices=(*node_devices(ask, facts), *pages),
        architecture=architecture or "",
        cpu_manager=True,
        nested=True,
        cpu_models=(model_of(guest, facts),),
        machine_types=(guest.machine_type,),
    )


def machine_classes(case: Case) -> list[str]:
    """Return the names of all classes of machines: a change of KubeVirt is one of them all."""
    return sorted(each.name for each in case.inputs.catalog if each.backend is Backend.VIRTUAL_MACHINE)


def with_guest(machine: MachineAsk, guest: Guest) -> dict[str, Any]:
    """Return the field of an Ask with another guest of its machine."""
    return {"machine": replace(machine, guest=guest)}
