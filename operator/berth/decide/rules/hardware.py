"""KubeVirt takes the machine type, and some node of the class has it and the model of processor.

A guest starts only on nodes that virt-handler has labelled with both (nodeselectorrenderer.go, kubevirt 1.7 and newer),
so a node without such labels is none for it.
"""

from fnmatch import fnmatchcase
from typing import Final

from berth.api.levels import Backend
from berth.api.reasons import Reason
from berth.decide.guest import architecture_of, model_of
from berth.decide.model import Ask, ClassFacts, Guest, Outcome, Verdict
from berth.decide.words import names
from berth.world.records import CPU_MODEL_LABEL, MACHINE_TYPE_LABEL

_UNLABELLED: Final = "do without, or find out why virt-handler labels no node with any"


def hardware(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse machine types that KubeVirt does not take, and those and models of processors that no node has."""
    if ask.machine is None or facts.backend is not Backend.VIRTUAL_MACHINE or facts.unavailable is not None:
        return None
    guest = ask.machine.guest
    forbidden = _forbidden(guest, facts) if guest.machine_type else None
    if forbidden is not None:
        return Verdict(Outcome.NEVER, "hardware", Reason.NO_ELIGIBLE_CLASS, forbidden)
    absent = _absent_model(guest, facts) or _absent_type(guest, facts)
    return Verdict(Outcome.NOT_NOW, "hardware", Reason.NO_CAPABLE_NODE, absent) if absent else None


def _forbidden(guest: Guest, facts: ClassFacts) -> str | None:
    found = architecture_of(guest, facts)
    taken = dict(facts.machine_types).get(found)
    if taken is None or any(fnmatchcase(guest.machine_type, pattern) for pattern in taken):
        return None
    return (
        f"{_whose(guest)} machine type {guest.machine_type}, and for {found} KubeVirt takes {names(frozenset(taken))}:"
        f" set machine.machineType to one of these, or add it to architectureConfiguration.{found}.emulatedMachines of"
        " KubeVirt"
    )


def _whose(guest: Guest) -> str:
    preference = guest.preference
    preferred = preference is not None and preference.machine_type == guest.machine_type
    return f"preference {preference.name} gives" if preference and preferred else "the machine has"


def _absent_model(guest: Guest, facts: ClassFacts) -> str | None:
    model, kind = model_of(guest, facts), guest.instancetype
    if not model or any(model in shape.cpu_models for shape in facts.shapes):
        return None
    models = frozenset(each for shape in facts.shapes for each in shape.cpu_models)
    fix = f"set machine.cpu.model to one that there is, of {names(models)}" if models else _UNLABELLED
    if models and kind is not None and kind.model == guest.model:
        fix = f"name another instancetype than {kind.name}; there is {names(models)}"
    return f"no node of the class has label {CPU_MODEL_LABEL}{model}=true: {fix}"


def _absent_type(guest: Guest, facts: ClassFacts) -> str | None:
    wanted = guest.machine_type
    if not wanted or any(wanted in shape.machine_types for shape in facts.shapes):
        return None
    types = frozenset(each for shape in facts.shapes for each in shape.machine_types)
    fix = f"set machine.machineType to one that there is, of {names(types)}" if types else _UNLABELLED
    return f"no node of the class has label {MACHINE_TYPE_LABEL}{wanted}=true: {fix}"
