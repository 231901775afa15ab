"""Holds Berth's decisions against what KubeVirt's own admission and launcher template made of the same machines.

A file has one machine a line, as JSON: `class`, `spec` of a Workload, `stage` and `verdict` of KubeVirt, and `requests`
of the launcher's container `compute` where there was one.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from berth.api.levels import Backend, IsolationLevel
from berth.api.quantity import amount, millicores
from berth.api.workload import WorkloadSpec
from berth.decide.ask import ask_of
from berth.decide.cost import needed
from berth.decide.engine import decide
from berth.decide.guest import Described
from berth.decide.model import Ask, Candidate, ClassFacts, Guest, NodeShape, Requirement
from berth.render.children import render
from berth.render.model import Subject
from berth.world.configuration import kubevirt
from berth.world.records import ClaimRecord, InstancetypeRecord, PreferenceRecord
from golden.images import own_images

BUNDLE: Final = Path(__file__).parent / "bundle.yaml"
PLENTY: Final = 1 << 50
PAGES: Final = (("hugepages-1Gi", PLENTY), ("hugepages-2Mi", PLENTY))

Json = dict[str, Any]


def compare(path: Path) -> tuple[int, list[str]]:
    """Return how many machines a file has, and a line for each one that Berth judges or counts differently."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line]
    found = ((number, difference(line)) for number, line in enumerate(lines, 1))
    return len(lines), [f"{path.name}:{number}: {text}" for number, text in found if text]


def difference(line: Json) -> str | None:
    """Return in what Berth differs from KubeVirt about one machine; None where both agree.

    What KubeVirt refuses must be ruled out, or be rendered otherwise by now; what it accepts must be placed, and cost
    what its launcher requests.
    """
    spec = WorkloadSpec.model_validate(line["spec"], strict=False)
    ask = ask_of(spec, _claim, common())
    facts = class_of(line["class"], ask)
    candidate = decide(ask, Requirement(IsolationLevel.CONTAINER), (facts,), None).candidates[0]
    told = f"{line['class']} {orjson.dumps(line['spec']).decode()}"
    if line["verdict"] == "OK":
        return _of_accepted(line, ask, candidate, told)
    if candidate.verdicts or _mended(line["verdict"], _instance(spec, ask, facts)):
        return None
    return f"KubeVirt refuses it ({line['verdict']}), and Berth places it: {told}"


def _of_accepted(line: Json, ask: Ask, candidate: Candidate, told: str) -> str | None:
    if candidate.decisive is not None:
        return f"KubeVirt accepts it, and Berth does not ({candidate.decisive.message}): {told}"
    asked = millicores(line["requests"]["cpu"]), amount(line["requests"]["memory"])
    counted = needed(ask, candidate.facts)
    return None if counted == asked else f"the launcher requests {asked}, and Berth counts {counted}: {told}"


def _instance(spec: WorkloadSpec, ask: Ask, facts: ClassFacts) -> Json:
    """Return the spec of the instance that Berth renders."""
    guest = ask.machine.guest if ask.machine else None
    subject = Subject("default", "m", "uid", spec, "ns.default", guest=guest, clones=own_images(spec, "default"))
    machine: Json = render(subject, facts)[-1].body["spec"]
    template: Json = machine.get("virtualMachineTemplate", {"spec": machine})["spec"]["template"]
    instance: Json = template["spec"]
    return instance


MENDED: Final[dict[str, Callable[[Json], bool]]] = {
    "Video configuration is not allowed": lambda instance: (
        instance["domain"]["devices"].get("autoattachGraphicsDevice") is not False
    ),
    "No launchSecurity support for architecture: ": lambda instance: instance.get("architecture") == "amd64",
    "is invalid for CD-ROM device": lambda instance: all(
        disk["cdrom"].get("bus") == "scsi" for disk in instance["domain"]["devices"]["disks"] if "cdrom" in disk
    ),
}
"""Words of a refusal, and what a machine looks like that is not refused for it any more."""


def _mended(verdict: str, instance: Json) -> bool:
    """Return whether every cause of a refusal is gone from what is rendered."""
    return all(
        any(words in cause and holds(instance) for words, holds in MENDED.items()) for cause in verdict.split(" | ")
    )


@cache
def common() -> Described:
    """Return the common instancetypes and preferences."""
    bundle = yaml.safe_load(BUNDLE.read_text())
    return Described(
        "default",
        {("", name): InstancetypeRecord(name, **_fields(row)) for name, row in bundle["instancetypes"].items()},
        {("", name): PreferenceRecord(name, **_fields(row)) for name, row in bundle["preferences"].items()},
    )


def _fields(row: Json) -> Json:
    fields = {**row, "sets": frozenset(row.get("sets", ()))}
    return fields | ({"memory": amount(row["memory"])} if "memory" in row else {})


def class_of(name: str, ask: Ask) -> ClassFacts:
    """Return a class of machines as the recorded ones: on nodes of every architecture that have everything."""
    devices, guest = ask.devices, ask.machine.guest if ask.machine else Guest(0)
    shape = NodeShape(
        cpu=PLENTY,
        memory=PLENTY,
        devices=(*devices, *PAGES),
        architecture="amd64",
        cpu_manager=True,
        nested=True,
        cpu_models=(guest.model,),
        machine_types=(guest.machine_type,),
    )
    security = name if name in ("sev", "snp", "tdx") else None
    return ClassFacts(
        name,
        IsolationLevel.CONFIDENTIAL if security else IsolationLevel.VIRTUALIZED,
        Backend.VIRTUAL_MACHINE,
        launch_security=security,
        shapes=(shape, replace(shape, architecture="arm64"), replace(shape, architecture="s390x")),
        permitted_devices=frozenset(device for device, _ in devices),
        architecture="amd64",
        machine_types=kubevirt({"metadata": {}}).machine_types,
    )


def _claim(name: str) -> ClaimRecord:
    return ClaimRecord(("default", name), name, ("ReadWriteMany",), block=False, bound=True)
