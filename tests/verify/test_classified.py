"""Every field of every type that Berth writes is classified; one that a newer schema brings is not, until somebody does.

Kubernetes' schemas are those of its release, KubeVirt's those of its CRDs where they are at hand.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from berth.verify.check import verify
from berth.verify.kinds import KINDS
from berth.verify.rules import WHY, Rule
from berth.verify.table import How, Table
from golden import golden
from ground.crds import real_folder
from render.schemas import CUSTOM
from verify.bounds import golden_bounds
from verify.schemas import definitions, places, schema_of, stale, unclassified

PLACES = {
    kind: {place.path: place for place in places(judged, schema_of(version, kind))}
    for (version, kind), judged in KINDS.items()
}
ALL = [place for found in PLACES.values() for place in found.values()]
KIND = pytest.mark.parametrize("kind", PLACES)
CORE = "io.k8s.api.core.v1."
MUST_BE_SEEN = {
    *(f"{CORE}{name}" for name in ("PodSpec", "PodTemplateSpec", "Container", "SecurityContext", "PodSecurityContext")),
    *(f"{CORE}{name}" for name in ("Volume", "Probe", "HTTPGetAction", "EnvVarSource", "ServiceSpec", "VolumeMount")),
}
MACHINE = "spec.template.spec"
MACHINE_PLACES = {
    *(f"{MACHINE}{each}" for each in ("", ".domain", ".domain.devices", ".volumes", ".domain.devices.disks")),
    f"{MACHINE}.domain.devices.interfaces",
}


@KIND
def test_every_field_of_the_schema_is_classified(kind: str) -> None:
    assert [name for place in PLACES[kind].values() for name in unclassified(place)] == []


@KIND
def test_every_classified_field_is_in_the_schema(kind: str) -> None:
    """Only KubeVirt's own CRDs have all fields: the small ones have what Berth writes."""
    if kind in CUSTOM and kind != "DataVolume" and real_folder() is None:
        pytest.skip("KubeVirt's own CRDs are not at hand")
    assert [name for place in PLACES[kind].values() for name in stale(place)] == []


def test_the_types_that_matter_are_among_them() -> None:
    """A wrong turn on the way through the schemas would leave them out silently."""
    assert {place.type for place in ALL} >= MUST_BE_SEEN
    assert PLACES["VirtualMachine"].keys() >= MACHINE_PLACES
    assert PLACES["DataVolume"].keys() >= {"spec", "spec.storage.resources"}


@KIND
def test_a_field_that_a_newer_schema_brings_is_noticed_wherever_it_is(kind: str) -> None:
    for place in PLACES[kind].values():
        newer = replace(place, fields={**place.fields, "brandNew": {"type": "boolean"}})
        assert unclassified(newer) == [f"{place.path}.brandNew"]


def test_a_new_field_deep_in_a_schema_is_reached() -> None:
    """The same, through the whole of a schema: the way from the kind to its innermost type is walked."""
    newer = deepcopy(schema_of("kubevirt.io/v1", "VirtualMachine"))
    devices = newer["properties"]["spec"]["properties"]["template"]["properties"]["spec"]["properties"]["domain"]
    devices["properties"]["devices"]["properties"]["brandNew"] = {"type": "boolean"}
    found = [name for place in places(KINDS["kubevirt.io/v1", "VirtualMachine"], newer) for name in unclassified(place)]
    assert found == ["spec.template.spec.domain.devices.brandNew"]


def test_an_unclassified_field_is_refused() -> None:
    """Default deny: until it is classified, a new field cannot be written."""
    body = deepcopy(golden.children("container-minimal")[-1])
    body["spec"]["template"]["spec"]["brandNew"] = True
    [violation] = verify(body, golden_bounds("container-minimal"))
    assert (violation.path, violation.rule) == ("spec.template.spec.brandNew", Rule.UNKNOWN)


def test_volumes_of_pods_are_of_four_kinds() -> None:
    """The restricted volume types that Berth writes; all others of the schema are denied by name."""
    judged = PLACES["Deployment"]["spec.template.spec.volumes"].table
    allowed = {name for name, field in judged.fields.items() if field.how is not How.DENY}
    assert allowed == {"name", "emptyDir", "configMap", "secret", "persistentVolumeClaim"}
    assert definitions()[f"{CORE}Volume"]["properties"].keys() == judged.fields.keys()


def tables() -> Iterator[Table]:
    """Yield every table once."""
    pending, seen = list(KINDS.values()), set[int]()
    while pending:
        judged = pending.pop()
        if id(judged) not in seen:
            seen.add(id(judged))
            yield judged
            pending += [field.inner for field in judged.fields.values() if field.inner]


def test_every_rule_is_used_and_every_reason_too() -> None:
    """A rule without a field would promise what nobody checks."""
    used = {field.rule for judged in tables() for field in judged.fields.values()}
    used |= {judged.unknown for judged in tables()}
    denied = {field.rule for judged in tables() for field in judged.fields.values() if field.how is How.DENY}
    assert set(Rule) - used == set()
    assert WHY.keys() - denied == set()


def test_every_classification_is_one_of_four() -> None:
    """Denied fields are never also demanded, and what is inside has a table."""
    fields: list[tuple[str, Any]] = [pair for judged in tables() for pair in judged.fields.items()]
    assert [name for name, field in fields if field.inner is None and field.check is None] == []
    assert [name for name, field in fields if field.how is How.DENY and field.absent] == []
    assert [name for name, field in fields if (field.how is How.INSIDE) != (field.inner is not None)] == []
