"""`workloads.berth.dev`: what a developer writes. What to run and what it needs; never a runtime by name."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from berth.api.base import (
    DEVICE,
    Model,
    Name,
    ObjectName,
    Port,
    PortReference,
    Rule,
    as_set,
    keyed_by,
    own_names,
    rules,
)
from berth.api.container import Container, InitContainer, Protocol, Sidecar
from berth.api.levels import IsolationLevel, Trust, WorkloadType
from berth.api.machine import Machine, SecretReference
from berth.api.meta import MAX_NAME_LENGTH
from berth.api.size import WITHIN_LIMITS, ContainerResources
from berth.api.volume import Volume
from berth.api.workload_rules import SPEC_RULES
from berth.api.workload_status import WorkloadStatus


class Resources(ContainerResources):
    """Size of one replica: of its main container, or of the guest."""

    dedicated: bool | None = None
    """Whether it gets whole processors of its own; then requests must equal limits and cpu be whole."""

    model_config = rules(
        *WITHIN_LIMITS,
        Rule(
            "!self.?dedicated.orValue(false) || (self.?requests.?cpu.hasValue() && self.?requests.?memory.hasValue())",
            "dedicated processors need a size: set requests.cpu and requests.memory",
            ".dedicated",
        ),
        Rule(
            "!self.?dedicated.orValue(false) || !self.?requests.?cpu.hasValue() ||"
            " sign(quantity(string(self.requests.cpu)).sub("
            "int(quantity(string(self.requests.cpu)).asApproximateFloat() + 0.5))) == 0",
            "dedicated processors are whole: set requests.cpu to a whole number",
            ".dedicated",
        ),
        Rule(
            "!self.?dedicated.orValue(false) || !has(self.requests) || !has(self.limits) || ("
            "(!has(self.requests.cpu) || !has(self.limits.cpu) ||"
            " quantity(string(self.requests.cpu)).compareTo(quantity(string(self.limits.cpu))) == 0) &&"
            " (!has(self.requests.memory) || !has(self.limits.memory) ||"
            " quantity(string(self.requests.memory)).compareTo(quantity(string(self.limits.memory))) == 0))",
            "dedicated processors are not shared: set limits to the same as requests, or remove limits",
            ".dedicated",
        ),
    )


class Autoscaling(Model):
    """Lets a HorizontalPodAutoscaler set `replicas`. Fields as in autoscaling/v1."""

    min_replicas: Annotated[int, Field(ge=1, le=1000)] = 1
    """Fewest replicas."""
    max_replicas: Annotated[int, Field(ge=1, le=1000)]
    """Most replicas."""
    target_cpu_utilization_percentage: Annotated[int, Field(alias="targetCPUUtilizationPercentage", ge=1, le=1000)] = 80
    """Average use to aim at, in percent: of the requested processors, or of a guest's own."""

    model_config = rules(
        Rule("self.minReplicas <= self.maxReplicas", "minReplicas is above maxReplicas: lower it or raise maxReplicas"),
    )


class ServiceType(StrEnum):
    """How a service is reached, as in core/v1."""

    CLUSTER_IP = "ClusterIP"
    NODE_PORT = "NodePort"
    LOAD_BALANCER = "LoadBalancer"


class ServicePort(Model):
    """One port of the service."""

    name: Name | None = None
    """Name; needed when there are several."""
    port: Port
    """Port that clients use."""
    target_port: PortReference | None = None
    """Port of the workload by number or name; `port` when unset."""
    protocol: Protocol = Protocol.TCP
    """TCP or UDP."""


class Service(Model):
    """A stable address. It keeps its name and selector whatever runs behind it."""

    type: ServiceType = ServiceType.CLUSTER_IP
    """How it is reached."""
    ports: Annotated[
        list[ServicePort], Field(min_length=1, max_length=32, json_schema_extra=keyed_by("port", "protocol"))
    ]
    """Its ports."""

    model_config = rules(
        Rule(
            "self.ports.size() == 1 || self.ports.all(p, has(p.name))",
            "several service ports need names: give each port a name",
            ".ports",
        ),
        own_names("service port", "ports"),
    )


class Isolation(Model):
    """The author's own wish. It can raise what policy requires, never lower it."""

    level: IsolationLevel | None = None
    """Lowest isolation level that the author accepts."""
    class_name: ObjectName | None = None
    """Only this IsolationClass; it is still checked against every rule."""


class Device(Model):
    """Devices of one kind."""

    device_name: Annotated[str, Field(min_length=3, max_length=253, pattern=DEVICE)]
    """Extended resource that nodes advertise, such as nvidia.com/A100."""
    count: Annotated[int, Field(ge=1, le=16)] = 1
    """How many."""


class Needs(Model):
    """Facts about the code that rule classes out. Unset means not needed."""

    root: bool | None = None
    """The image starts as user 0: then it gets the capabilities with which such images prepare and become another user
    (those of Pod Security baseline), and runs only in a user namespace, a sandbox or a machine."""
    privileged: bool | None = None
    """It needs all capabilities: then only in a machine of its own."""
    kernel_modules: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]],
            Field(max_length=16, json_schema_extra=as_set),
        ]
        | None
    ) = None
    """Kernel modules that it loads: then only where it has a kernel of its own and full rights over it."""
    nested_virtualization: bool | None = None
    """It runs virtual machines itself."""
    gpu: Device | None = None
    """Graphics processors."""
    host_devices: Annotated[list[Device], Field(max_length=8, json_schema_extra=keyed_by("deviceName"))] | None = None
    """Other devices passed through from the node."""
    architecture: Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9]+$")] | None = None
    """Processor architecture as in the node label kubernetes.io/arch; any when unset."""


class SwitchStrategy(StrEnum):
    """In which order a running workload is moved."""

    MAKE_BEFORE_BREAK = "MakeBeforeBreak"
    """The new one is ready before the old one stops."""
    RECREATE = "Recreate"
    """The old one is gone before the new one starts."""


class SwitchApproval(StrEnum):
    """Who starts a move that interrupts."""

    AUTOMATIC = "Automatic"
    MANUAL = "Manual"


class Switching(Model):
    """How a running workload is moved when the decision changes."""

    strategy: SwitchStrategy | None = None
    """Order of the move; by what it keeps when unset."""
    approval: SwitchApproval | None = None
    """Whether a move that interrupts waits for a person; Manual when unset."""
    allow_data_loss: bool | None = None
    """Whether a move may drop what lives in the container or machine only. False when unset."""


class DeletionPolicy(StrEnum):
    """What happens to disks that Berth made when the Workload is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class TaskSettings(Model):
    """How a Task is run. Fields as in batch/v1 Job."""

    backoff_limit: Annotated[int, Field(ge=0, le=100)] | None = None
    """Failures before it is given up, 6 when unset."""
    active_deadline_seconds: Annotated[int, Field(ge=1, le=31536000)] | None = None
    """Seconds after which it is ended."""


class WorkloadSecurity(Model):
    """Pod-wide settings that only tighten."""

    run_as_user: Annotated[int, Field(ge=1, le=2147483647)] | None = None
    """User id of all containers; 0 is asked for by `needs.root`."""
    run_as_group: Annotated[int, Field(ge=1, le=2147483647)] | None = None
    """Group id of all containers."""
    fs_group: Annotated[int, Field(ge=1, le=2147483647)] | None = None
    """Group that owns mounted volumes."""


class WorkloadSpec(Model):
    """What to run and what it needs."""

    type: WorkloadType = WorkloadType.SERVICE
    """Whether it runs for ever or to completion. Immutable."""
    container: Container | None = None
    """The OCI image to run. With `machine` too, either backend can be chosen."""
    init_containers: Annotated[list[InitContainer], Field(max_length=8, json_schema_extra=keyed_by("name"))] | None = (
        None
    )
    """Containers that run before the main one, in order."""
    sidecars: Annotated[list[Sidecar], Field(max_length=8, json_schema_extra=keyed_by("name"))] | None = None
    """Containers that run beside the main one."""
    machine: Machine | None = None
    """The virtual machine to run. With `container` too, either backend can be chosen."""
    replicas: Annotated[int, Field(ge=0, le=1000)] = 1
    """How many copies run; for a Task, how many completions it takes. Leave it out when autoscaling sets it."""
    autoscaling: Autoscaling | None = None
    """Lets load set `replicas`."""
    task: TaskSettings | None = None
    """How a Task is run."""
    resources: Resources | None = None
    """Size of one replica."""
    volumes: Annotated[list[Volume], Field(max_length=32, json_schema_extra=keyed_by("name"))] | None = None
    """Volumes that containers mount and machines see as disks."""
    service: Service | None = None
    """A stable address for it."""
    service_account_name: ObjectName | None = None
    """ServiceAccount to run as; only names that the platform allows. No token is mounted."""
    priority_class_name: ObjectName | None = None
    """PriorityClass of its pods; only names that the tenant allows."""
    image_pull_secrets: (
        Annotated[list[SecretReference], Field(max_length=8, json_schema_extra=keyed_by("name"))] | None
    ) = None
    """Secrets with registry credentials."""
    security_context: WorkloadSecurity | None = None
    """Pod-wide settings that only tighten."""
    termination_grace_period_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds until the hard end, preStop included; when unset, 30 after preStop for pods and 180 for machines."""
    isolation: Isolation | None = None
    """The author's own wish."""
    trust: Trust | None = None
    """What the author says of the code; the platform may require more isolation for less trust."""
    needs: Needs | None = None
    """Facts about the code that rule classes out."""
    switching: Switching | None = None
    """How it is moved when the decision changes."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """What happens to disks that Berth made when the Workload is deleted."""

    model_config = rules(*SPEC_RULES)


class Workload(Model):
    """One thing to run: berth decides where, by policy, and says why."""

    spec: WorkloadSpec
    """What to run and what it needs."""
    status: WorkloadStatus | None = None
    """What Berth decided and what it saw."""

    model_config = rules(
        Rule(
            f"self.metadata.name.size() <= {MAX_NAME_LENGTH}",
            f"the name is longer than {MAX_NAME_LENGTH} characters: pods and pool members append to it, so shorten it",
            on_create=True,
        ),
        Rule(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "the name is no DNS label that starts with a letter, as a Service needs it: rename it",
            on_create=True,
        ),
    )
