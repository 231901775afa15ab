"""What KubeVirt takes, and what nodes have, of machine types and models of processors."""

from dataclasses import replace
from typing import Any

import pytest

from berth.api.reasons import Reason
from berth.decide.model import Outcome, Unavailable
from berth.decide.rules.hardware import hardware
from berth.world.records import InstancetypeRecord, PreferenceRecord
from decide.builders import GI, SHAPE, a_guest, a_machine, machines, pods

NEW = replace(SHAPE, cpu_models=("Haswell", "Skylake"), machine_types=("pc-q35-9.2", "q35"))
OLD = replace(SHAPE, cpu_models=("Penryn",), machine_types=("q35",))
TAKEN = (("amd64", ("q35*", "pc-q35*")), ("arm64", ("virt*",)))
FACTS: dict[str, Any] = {"shapes": (NEW, OLD), "machine_types": TAKEN, "architecture": "amd64"}


@pytest.mark.parametrize(
    ("guest", "facts"),
    [
        ({}, {}),
        ({"model": "Skylake"}, {}),
        ({"model": "host-model"}, {"shapes": (SHAPE,)}),
        ({"model": "host-passthrough"}, {"shapes": (SHAPE,)}),
        ({}, {"cpu_model": "Penryn"}),
        ({"model": "Haswell"}, {"cpu_model": "EPYC"}),
        ({"architecture": "arm64"}, {"cpu_model": "EPYC"}),
        ({"machine_type": "pc-q35-9.2"}, {}),
        ({"machine_type": "q35"}, {"machine_types": ()}),
        ({"machine_type": "pc-i440fx-9.2"}, {"unavailable": Unavailable(Reason.KUBEVIRT_NOT_READY, "x")}),
    ],
    ids=[
        "says nothing",
        "a node has the model",
        "the host's model",
        "the host's processor",
        "KubeVirt's model",
        "its own before KubeVirt's",
        "arm64 has no models",
        "a node has the type",
        "KubeVirt does not tell",
        "the class is not there at all: not its matter",
    ],
)
def test_what_there_is_fits(guest: dict[str, Any], facts: dict[str, Any]) -> None:
    assert hardware(a_machine(machine=a_guest(**guest)), machines(**(FACTS | facts))) is None


@pytest.mark.parametrize(
    ("guest", "facts", "says"),
    [
        (
            {"model": "EPYC"},
            {},
            "label cpu-model.node.kubevirt.io/EPYC=true: set machine.cpu.model to one that there is, of Haswell, Penryn,",
        ),
        ({}, {"cpu_model": "EPYC"}, "label cpu-model.node.kubevirt.io/EPYC=true: set machine.cpu.model"),
        (
            {"model": "EPYC", "instancetype": InstancetypeRecord("big", 1, GI, model="EPYC")},
            {},
            "name another instancetype than big; there is Haswell, Penryn, Skylake",
        ),
        (
            {"model": "Haswell"},
            {"shapes": (SHAPE,)},
            "do without, or find out why virt-handler labels no node with any",
        ),
        (
            {"machine_type": "pc-q35-rhel7.6.0"},
            {},
            "machine-type.node.kubevirt.io/pc-q35-rhel7.6.0=true: set machine.machineType to one that there is, of pc-",
        ),
        ({"machine_type": "q35"}, {"shapes": (SHAPE,)}, "do without"),
    ],
    ids=["model", "KubeVirt's model", "the instancetype's model", "nodes without labels", "type", "no types"],
)
def test_what_no_node_has_may_come(guest: dict[str, Any], facts: dict[str, Any], says: str) -> None:
    verdict = hardware(a_machine(machine=a_guest(**guest)), machines(**(FACTS | facts)))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NOT_NOW, Reason.NO_CAPABLE_NODE)
    assert says in verdict.message


@pytest.mark.parametrize(
    ("guest", "says"),
    [
        (
            {"machine_type": "pc-i440fx-9.2"},
            "the machine has machine type pc-i440fx-9.2, and for amd64 KubeVirt takes pc-q35*, q35*: set machine.machine",
        ),
        ({"machine_type": "q35", "architecture": "arm64"}, "and for arm64 KubeVirt takes virt*"),
        (
            {"machine_type": "pc", "preference": PreferenceRecord("old", machine_type="pc")},
            "preference old gives machine type pc",
        ),
    ],
    ids=["not taken", "of another architecture", "by the preference"],
)
def test_a_machine_type_that_kubevirt_does_not_take_is_refused(guest: dict[str, Any], says: str) -> None:
    verdict = hardware(a_machine(machine=a_guest(**guest)), machines(**FACTS))
    assert verdict is not None
    assert (verdict.outcome, verdict.reason) == (Outcome.NEVER, Reason.NO_ELIGIBLE_CLASS)
    assert says in verdict.message


def test_many_models_are_a_short_list() -> None:
    many = replace(SHAPE, cpu_models=tuple(f"model-{number:02}" for number in range(40)))
    verdict = hardware(a_machine(machine=a_guest(model="EPYC")), machines(shapes=(many,)))
    assert verdict is not None
    assert verdict.message.endswith("model-07 and 32 more")


def test_pods_fit() -> None:
    assert hardware(a_machine(machine=a_guest(model="EPYC")), pods(shapes=(NEW,))) is None
