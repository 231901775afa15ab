"""Bounds of a Workload in a class, as the gateway is given them, and many children with theirs."""

from dataclasses import replace
from functools import cache
from typing import Any, Final

from berth.api.workload import WorkloadSpec
from berth.app.bounds import network_of
from berth.decide.model import ClassFacts
from berth.render.isolation_probe import Prober, isolation_probe, probe_subject
from berth.render.model import Subject
from berth.verify.model import Bounds, Images, Runtime
from berth.verify.named import named_in
from golden import golden
from render.specs import CONTAINER, KATA, VM, bodies, container, machine, subject

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
        named=named_in(subject.namespace, subject.name, subject.spec),
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
        clones=frozenset(
            (each.kind, (("name", each.name), ("namespace", each.namespace))) for _, each in subject.clones
        ),
        image_namespaces=frozenset(each.namespace for _, each in subject.clones),
        priority_class=subject.spec.priority_class_name,
        network=network_of(subject.peers),
        attachments=attachments_of(subject.spec),
    )


def attachments_of(spec: WorkloadSpec) -> frozenset[str]:
    """Return the further networks of a spec: its tenant lists them all."""
    return frozenset(each.multus.network_name for each in (spec.machine and spec.machine.networks) or ())


@cache
def golden_bounds(name: str) -> Bounds:
    """Return the bounds of a golden case."""
    return bounds_of(*golden.load(name))


_KEY: Json = {"name": "key", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}
_PROBE: Json = {
    "httpGet": {"port": 8080, "path": "/", "scheme": "HTTPS", "httpHeaders": [{"name": "A", "value": "b"}]},
    "timeoutSeconds": 2,
}
_FULL: Json = {
    "env": [_KEY],
    "envFrom": [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}],
    "volumeMounts": [{"name": "v", "mountPath": "/v", "readOnly": True}],
    "securityContext": {"runAsUser": 7, "runAsGroup": 7, "readOnlyRootFilesystem": True},
}
_PROBES: Json = {"readinessProbe": _PROBE, "livenessProbe": _PROBE, "startupProbe": _PROBE}
_TASK: Json = container(
    type="Task",
    sidecars=[{"name": "side", "image": "s:1", **_FULL, **_PROBES}],
    initContainers=[{"name": "init", "image": "i:1", **_FULL}],
    volumes=[{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "k"}]}}],
)
_GUEST: Json = machine(
    bootDisk={"containerDisk": {"image": "disk:1", "imagePullSecret": "r"}},
    sysprep={"configMap": {"name": "c"}},
    cloudInit={"secretRef": {"name": "s"}, "networkDataSecretRef": {"name": "n"}},
    accessCredentials=[
        {"sshPublicKey": {"source": {"secret": {"secretName": "s"}}, "propagationMethod": {"noCloud": {}}}},
        {"userPassword": {"source": {"secret": {"secretName": "p"}}, "propagationMethod": {"qemuGuestAgent": {}}}},
    ],
    clock={"utc": {"offsetSeconds": 0}},
    readinessProbe=_PROBE,
    livenessProbe=_PROBE,
    ports=[{"name": "http", "port": 8080}],
)
BEYOND: dict[str, tuple[Json, ClassFacts]] = {"full-task": (_TASK, KATA), "full-guest": (_GUEST, VM)}
"""What no golden case has, so that every field that may be written is written somewhere."""

PROBER: Final = Prober("berth-system", "registry.example/berth-probe:1", ("pull",), ("169.254.169.254:80",))


def corpus() -> list[tuple[str, Json, Bounds]]:
    """Return every child of every golden case, and of those beyond, with its name and its bounds."""
    rows = [(name, body, golden_bounds(name)) for name in golden.names() for body in golden.children(name)]
    for name, (spec, facts) in BEYOND.items():
        bounds = bounds_of(subject(spec), facts)
        rows += [(name, body, bounds) for body in bodies(spec, facts).values()]
    for facts in (CONTAINER, KATA):
        probe = probe_subject(PROBER, facts, "probe-0123456789abcdef", "uid-of-class")
        rows.append(("probe", isolation_probe(probe, facts, "n1").body, replace(bounds_of(probe, facts), probed="n1")))
    return [(f"{name}/{body['kind']}/{body['metadata']['name']}", body, bounds) for name, body, bounds in rows]
