"""The containers of a pod: the main one, those before it and those beside it."""

from typing import Final

from berth.api.container import ContainerBase, ContainerPort, InitContainer, Sidecar
from berth.api.levels import IsolationLevel
from berth.api.probe import Probe
from berth.api.size import ContainerResources, ResourceList
from berth.api.workload import Needs, WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.ending import lifecycle
from berth.render.fields import canonical, present, written
from berth.render.model import Object, Unrenderable

MAIN: Final = "main"
ROOT_CAPABILITIES: Final = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
"""What user 0 of a container has: all that Pod Security *baseline* allows. That is Docker's default without NET_RAW."""


def main_container(spec: WorkloadSpec, facts: ClassFacts) -> Object:
    """Return the container that the Workload is about; raise Unrenderable when it has none."""
    source = spec.container
    if source is None:
        raise Unrenderable(f"class {facts.name} runs containers: add container, or use a class of virtual machines")
    return present(
        {
            **_base(MAIN, source, spec),
            "ports": [_port(port) for port in source.ports or ()],
            "resources": _with_devices(_resources(MAIN, spec.resources, spec, facts), spec.needs),
            "readinessProbe": _probe(source.readiness_probe),
            "livenessProbe": _probe(source.liveness_probe),
            "startupProbe": _probe(source.startup_probe),
            "lifecycle": lifecycle(spec),
        }
    )


def runs_as_root(spec: WorkloadSpec) -> bool:
    """Return whether containers are user 0 unless they name another.

    A user that the author names for all of them is the tighter of the two wishes, so it wins over needs.root.
    """
    given = spec.security_context
    return bool(spec.needs and spec.needs.root and not (given and given.run_as_user))


def init_containers(spec: WorkloadSpec, facts: ClassFacts) -> list[Object]:
    """Return the sidecars and then the init containers: these may need what those serve."""
    return [_sidecar(each, spec, facts) for each in spec.sidecars or ()] + [
        _init(each, spec, facts) for each in spec.init_containers or ()
    ]


def _sidecar(source: Sidecar, spec: WorkloadSpec, facts: ClassFacts) -> Object:
    return present(
        {
            **_init(source, spec, facts),
            "restartPolicy": "Always",
            "readinessProbe": _probe(source.readiness_probe),
            "livenessProbe": _probe(source.liveness_probe),
            "startupProbe": _probe(source.startup_probe),
        }
    )


def _init(source: InitContainer, spec: WorkloadSpec, facts: ClassFacts) -> Object:
    resources = _resources(source.name, source.resources, spec, facts)
    return _base(source.name, source, spec) | ({"resources": resources} if resources else {})


def _base(name: str, source: ContainerBase, spec: WorkloadSpec) -> Object:
    return present(
        {
            "name": name,
            "image": source.image,
            "command": source.command,
            "args": source.args,
            "workingDir": source.working_dir,
            "env": [written(each) for each in source.env or ()],
            "envFrom": [written(each) for each in source.env_from or ()],
            "volumeMounts": [written(each) for each in source.volume_mounts or ()],
            # What it wrote last is told on the Workload once it has failed.
            "terminationMessagePolicy": "FallbackToLogsOnError",
            "securityContext": _security(source, spec),
        }
    )


def _security(source: ContainerBase, spec: WorkloadSpec) -> Object:
    given = source.security_context
    own_user = given.run_as_user if given else None
    added = set((given and given.capabilities and given.capabilities.add) or ())
    if runs_as_root(spec) and not own_user:
        added.update(ROOT_CAPABILITIES)
    return present(
        {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]} | ({"add": sorted(added)} if added else {}),
            "runAsUser": own_user,
            "runAsGroup": given and given.run_as_group,
            "runAsNonRoot": True if own_user else None,  # the pod may say otherwise
            "readOnlyRootFilesystem": given and given.read_only_root_filesystem,
        }
    )


def _port(port: ContainerPort) -> Object:
    return present({"name": port.name, "containerPort": port.container_port, "protocol": port.protocol.value})


def _probe(probe: Probe | None) -> Object | None:
    return written(probe) if probe else None


def _resources(name: str, given: ContainerResources | None, spec: WorkloadSpec, facts: ClassFacts) -> Object:
    requests = _amounts(given.requests if given else None)
    limits = _amounts(given.limits if given else None)
    if spec.resources and spec.resources.dedicated:
        return _guaranteed(name, limits | requests)
    if facts.level.rank >= IsolationLevel.VIRTUALIZED.rank:
        # Kata sizes the guest by limits: without them the pod would get the runtime's default size.
        limits = {key: requests[key] for key in ("cpu", "memory") if key in requests} | limits
    return {key: value for key, value in (("requests", requests), ("limits", limits)) if value}


def _guaranteed(name: str, amounts: Object) -> Object:
    """Return requests that equal limits; the kubelet gives whole processors only if all containers have that."""
    if not {"cpu", "memory"} <= amounts.keys():
        raise Unrenderable(
            f"dedicated processors need a size for every container: set resources of container {name} (cpu and memory)"
        )
    return {"requests": amounts, "limits": dict(amounts)}


def _amounts(given: ResourceList | None) -> Object:
    if given is None:
        return {}
    named = {"cpu": given.cpu, "memory": given.memory, "ephemeral-storage": given.ephemeral_storage}
    return {key: canonical(value) for key, value in named.items() if value is not None}


def _with_devices(resources: Object, needs: Needs | None) -> Object | None:
    """Return the resources with whole devices as limits; Kubernetes requests what is limited."""
    wanted = [*((needs.gpu,) if needs and needs.gpu else ()), *((needs and needs.host_devices) or ())]
    if wanted:
        limits = resources.get("limits", {}) | {device.device_name: str(device.count) for device in wanted}
        resources = resources | {"limits": limits}
    return resources or None
