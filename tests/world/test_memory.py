"""Records are small: thousands of them are kept, so nothing of the raw object may stay alive in them."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from berth.world import children, parse, storage
from berth.world.packed import pack
from world.raws import a_cluster_raw, a_node, a_raw, condition, conditions

LARGE = {"template": {"spec": {"containers": [{"name": f"c{n}", "image": f"app:{n}"} for n in range(200)]}}}
STATUS = conditions(condition("Failure", message="no"), phase="Running", replicas=3)
RECORDS = [
    parse.workload(a_raw("Workload", spec=LARGE, status=STATUS)),
    parse.node(a_node()),
    parse.namespace(a_cluster_raw("Namespace", "shop", metadata={"labels": {"a": "b"}})),
    storage.claim(a_raw("PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"]})),
    parse.runtime_class(a_cluster_raw("RuntimeClass", "kata", handler="kata")),
    children.child(a_raw("Deployment", spec=LARGE, status=STATUS)),
    children.pod(a_raw("Pod", spec=LARGE, status=STATUS)),
    children.machine(a_raw("VirtualMachineInstance", spec=LARGE, status=STATUS)),
]


def parts(value: Any) -> Iterator[Any]:
    """Yield a value and everything that it holds."""
    yield value
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, (tuple, frozenset, list)):
        for each in value:
            yield from parts(each)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_record_keeps_no_dict_and_no_list_of_the_raw_object(record: Any) -> None:
    assert not [each for each in parts(record) if isinstance(each, (dict, list))]
    assert not hasattr(record, "__dict__")
    hash(record)


def test_the_content_of_a_child_is_compressed() -> None:
    packed = pack(children.comparable(a_raw("Deployment", spec=LARGE)))
    assert len(packed) < len(parse.canonical(LARGE)) / 4
