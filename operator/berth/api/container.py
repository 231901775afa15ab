"""The `container` source of a Workload. Fields are named and mean as in core/v1 Container and Volume."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from berth.api.base import (
    ENV_NAME,
    ENV_PREFIX,
    Image,
    Key,
    Model,
    Name,
    ObjectName,
    Path,
    Port,
    PortName,
    Rule,
    exactly_one,
    keyed_by,
    own_names,
    rules,
)
from berth.api.probe import ONE_SUCCESS, Argument, Probe, named_ports, probe_ports
from berth.api.size import ContainerResources


class Protocol(StrEnum):
    """Transport protocol of a port."""

    TCP = "TCP"
    UDP = "UDP"


class KeySelector(Model):
    """One key of a ConfigMap or Secret in the same namespace."""

    name: ObjectName
    """Name of the object."""
    key: Key
    """The key in it."""
    optional: bool | None = None
    """Whether the object or key may be absent."""


class FieldPath(StrEnum):
    """What the downward API may tell a container."""

    NAME = "metadata.name"
    NAMESPACE = "metadata.namespace"
    UID = "metadata.uid"
    POD_IP = "status.podIP"


class FieldRef(Model):
    """A field of the pod itself."""

    field_path: FieldPath
    """Which field."""


class EnvSource(Model):
    """Where the value of an environment variable comes from: exactly one source."""

    config_map_key_ref: KeySelector | None = None
    """A key of a ConfigMap."""
    secret_key_ref: KeySelector | None = None
    """A key of a Secret."""
    field_ref: FieldRef | None = None
    """A field of the pod. Virtual machines do not have it."""

    model_config = rules(
        exactly_one("valueFrom has one source", "configMapKeyRef", "secretKeyRef", "fieldRef"),
    )


class EnvVar(Model):
    """One environment variable."""

    name: Annotated[str, Field(min_length=1, max_length=253, pattern=ENV_NAME)]
    """Its name."""
    value: Annotated[str, Field(max_length=8192)] | None = None
    """Its value. Not for secrets: use valueFrom.secretKeyRef."""
    value_from: EnvSource | None = None
    """Where its value comes from."""

    model_config = rules(
        Rule("!(has(self.value) && has(self.valueFrom))", "value and valueFrom exclude each other: remove one"),
    )


class ObjectRef(Model):
    """An object in the same namespace."""

    name: ObjectName
    """Its name."""
    optional: bool | None = None
    """Whether it may be absent."""


class EnvFrom(Model):
    """All keys of a ConfigMap or Secret as environment variables."""

    prefix: Annotated[str, Field(max_length=253, pattern=ENV_PREFIX)] | None = None
    """Put in front of every key."""
    config_map_ref: ObjectRef | None = None
    """The ConfigMap."""
    secret_ref: ObjectRef | None = None
    """The Secret."""

    model_config = rules(exactly_one("envFrom has one source", "configMapRef", "secretRef"))


class ContainerPort(Model):
    """A port that the container listens on."""

    name: PortName | None = None
    """Name, unique in the Workload; services and probes may use it."""
    container_port: Port
    """The number."""
    protocol: Protocol = Protocol.TCP
    """TCP or UDP."""


class VolumeMount(Model):
    """Where a volume of the Workload appears in a container."""

    name: Name
    """Name of the volume in spec.volumes."""
    mount_path: Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^/[^:]*[^/:][^:]*$")]
    """Absolute path in the container, not the root."""
    read_only: bool | None = None
    """Whether it is mounted read-only."""


class SleepAction(Model):
    """A pause."""

    seconds: Annotated[int, Field(ge=0, le=3600)]
    """How long; 0 is no pause."""


class LifecycleHandler(Model):
    """What happens at a moment of a container's life. It has no exec, httpGet and tcpSocket on purpose."""

    sleep: SleepAction
    """Wait."""


class Lifecycle(Model):
    """What happens before a container is told to end. Fields as in core/v1 Lifecycle."""

    pre_stop: LifecycleHandler
    """Before it gets SIGTERM: until then it serves, while its address is taken out of every Service."""


class Capabilities(Model):
    """Capabilities that a container has. All others are dropped."""

    add: Annotated[list[Annotated[str, Field(min_length=1, max_length=63)]], Field(max_length=64)] | None = None
    """What is added: NET_BIND_SERVICE. It lets a program start that has it as a file capability."""

    model_config = rules(
        Rule(
            "!has(self.add) || self.add.all(one, one == 'NET_BIND_SERVICE')",
            "only NET_BIND_SERVICE can be added: for an image that starts as root set needs.root instead, and what"
            " needs still more runs in a machine",
            ".add",
        ),
    )


class ContainerSecurity(Model):
    """The few settings of a security context that an author has; the rest is set by Berth (restricted Pod Security)."""

    run_as_user: Annotated[int, Field(ge=1, le=2147483647)] | None = None
    """User id to run as; 0 is asked for by `needs.root`."""
    run_as_group: Annotated[int, Field(ge=1, le=2147483647)] | None = None
    """Group id to run as."""
    read_only_root_filesystem: bool | None = None
    """Whether the image's own files are read-only."""
    capabilities: Capabilities | None = None
    """Capabilities beside those of needs.root."""


class ContainerBase(Model):
    """What all containers of a Workload have."""

    image: Image
    """OCI image; pin it by digest where it matters."""
    command: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Program, instead of the image's entry point. Not run in a shell."""
    args: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Arguments, instead of the image's."""
    working_dir: Path | None = None
    """Directory to start in."""
    env: Annotated[list[EnvVar], Field(max_length=128, json_schema_extra=keyed_by("name"))] | None = None
    """Environment variables."""
    env_from: Annotated[list[EnvFrom], Field(max_length=32)] | None = None
    """ConfigMaps and Secrets whose keys become environment variables."""
    volume_mounts: (
        Annotated[list[VolumeMount], Field(max_length=32, json_schema_extra=keyed_by("mountPath"))] | None
    ) = None
    """Where volumes appear."""
    security_context: ContainerSecurity | None = None
    """Tighter settings than the default."""


TEXT_LIMIT: Final = 65536

_SMALL: Final = Rule(
    "(has(self.env) ? self.env.map(one, has(one.value) ? one.value.size() : 0).sum() : 0)"
    " + (has(self.command) ? self.command.map(one, one.size()).sum() : 0)"
    f" + (has(self.args) ? self.args.map(one, one.size()).sum() : 0) <= {TEXT_LIMIT}",
    f"env, command and args are longer than {TEXT_LIMIT} characters together: mount the text from a ConfigMap",
)
"""Keeps the Workload and all that is made of it, such as user data in a Secret, far from the limit of one object."""


class Container(ContainerBase):
    """The main container: an OCI image and how to run it. Its size is spec.resources."""

    ports: (
        Annotated[list[ContainerPort], Field(max_length=32, json_schema_extra=keyed_by("containerPort", "protocol"))]
        | None
    ) = None
    """Ports it listens on."""
    readiness_probe: Probe | None = None
    """When it may get traffic."""
    liveness_probe: Probe | None = None
    """When it must be restarted."""
    startup_probe: Probe | None = None
    """When the other probes may begin."""
    lifecycle: Lifecycle | None = None
    """How it ends; with spec.service and when unset, preStop sleeps 5 seconds, or half of a grace period below 10."""

    model_config = rules(
        _SMALL,
        own_names("port", "ports"),
        named_ports("container", "readinessProbe", "livenessProbe", "startupProbe"),
        ONE_SUCCESS,
    )


class InitContainer(ContainerBase):
    """A container that runs to its end before the main container starts."""

    name: Name
    """Its name, unique in the pod."""
    resources: ContainerResources | None = None
    """Its size."""

    model_config = rules(_SMALL)


class Sidecar(InitContainer):
    """A container that runs beside the main one (a native sidecar: an init container that restarts)."""

    readiness_probe: Probe | None = None
    """When the pod may get traffic, as far as this container goes."""
    liveness_probe: Probe | None = None
    """When it must be restarted."""
    startup_probe: Probe | None = None
    """When the next container may start."""

    model_config = rules(
        _SMALL,
        Rule(
            f"{probe_ports('readinessProbe', 'livenessProbe', 'startupProbe')}.all(port, type(port.orValue(1)) == int)",
            "a probe names a port, but ports of a sidecar have no names: write the number",
        ),
        ONE_SUCCESS,
    )
