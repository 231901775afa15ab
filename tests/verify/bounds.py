"""Bounds of a Workload in a class, as the gateway is given them, and all children of the golden cases with theirs."""

from functools import cache
from typing import Any

from berth.decide.model import ClassFacts
from berth.render.model import Subject
from berth.verify.model import Bounds, Images, Runtime
from berth.verify.named import named_in
from golden import golden

Json = dict[str, Any]

HANDLERS = {"gvisor": "runsc", "kata": "kata"}
ANYWHERE = Images(registries=None, digest=False, by="nobody")


def bounds_of(subject: Subject, facts: ClassFacts) -> Bounds:
    """Return the bounds of what a Workload renders to in a class, in a cluster that has what the class names."""
    runtime = facts.runtime_class_name
    seen = Runtime(runtime, HANDLERS.get(runtime, runtime), f"uid-of-{runtime}") if runtime else None
    return Bounds(
        namespace=subject.namespace,
        workload=subject.name,
        uid=subject.uid,
        tenant=subject.tenant,
        class_name=facts.name,
        backend=facts.backend,
        level=facts.level,
        named=named_in(subject.name, subject.spec),
        runtime=seen,
        seen=seen,
        user_namespaces=facts.user_namespaces,
        root=bool(subject.spec.needs and subject.spec.needs.root),
        launch_security=facts.launch_security,
        node_selector=facts.node_selector,
        tolerations=facts.tolerations,
        sharing=facts.sharing,
        images=(ANYWHERE,),
        service_account=subject.spec.service_account_name,
    )


@cache
def golden_bounds(name: str) -> Bounds:
    """Return the bounds of a golden case."""
    return bounds_of(*golden.load(name))


def corpus() -> list[tuple[str, Json, Bounds]]:
    """Return every child of every golden case, with its name and its bounds."""
    return [
        (f"{name}/{body['kind']}/{body['metadata']['name']}", body, golden_bounds(name))
        for name in golden.names()
        for body in golden.children(name)
    ]
