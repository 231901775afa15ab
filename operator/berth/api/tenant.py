"""`tenants.berth.dev`: namespaces that belong together and what holds for them, written by platform admins."""

from typing import Annotated, Final

from pydantic import Field

from berth.api.base import Model, Name, ObjectName, Port, Quantity, Rule, as_set, keyed_by, rules, validations
from berth.api.condition import Conditions
from berth.api.container import Protocol
from berth.api.demands import ImageRules
from berth.api.guest import NetworkName
from berth.api.isolation_class import NodePool
from berth.api.levels import IsolationLevel, NetworkMode, NodeSharing
from berth.api.selector import SELECTS_SOMETHING, LabelSelector

Names = Annotated[list[ObjectName], Field(min_length=1, max_length=64, json_schema_extra=as_set)]
"""Names of objects, each once."""

_CIDR = Rule("isCIDR(self)", "this is no block of addresses: write one such as 10.0.0.0/8")
URL_PREFIX: Final = r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?/([A-Za-z0-9_][A-Za-z0-9._~+-]*/)*$"
"""A web server and whole parts of a path: the slash at the end keeps out those that only begin alike."""

Cidr = Annotated[str, Field(min_length=4, max_length=64, json_schema_extra=validations(_CIDR))]
"""A block of addresses, such as 10.0.0.0/8. Held by a rule: with a `format` the server takes lists, too."""


class TenantClasses(Model):
    """Which IsolationClasses the tenant's workloads may run in."""

    allowed: Names | None = None
    """Only these; all when unset."""
    default: ObjectName | None = None
    """Taken where it fits, before cheaper ones."""

    model_config = rules(
        Rule(
            "!has(self.allowed) || !has(self.default) || self.default in self.allowed",
            "the default class is not allowed: add it to allowed, or name another",
            ".default",
        ),
    )


class Allowed(Model):
    """Names that the tenant's workloads may use."""

    allowed: Names
    """Only these."""


class Disks(Model):
    """What disks of machines may be made from beside what lies in the namespace itself."""

    image_namespaces: Annotated[list[Name], Field(max_length=64, json_schema_extra=as_set)] | None = None
    """Namespaces of golden images that DataSources may lead to; none when unset. Berth must have the right to clone."""
    urls: (
        Annotated[
            list[Annotated[str, Field(min_length=9, max_length=1024, pattern=URL_PREFIX)]],
            Field(max_length=64, json_schema_extra=as_set),
        ]
        | None
    ) = None
    """What the URL of an http source may begin with, such as https://images.example/linux/; nothing when unset."""


class NetworkPort(Model):
    """One port."""

    port: Port
    """Its number."""
    protocol: Protocol = Protocol.TCP
    """TCP or UDP."""


class Block(Model):
    """Addresses outside the cluster."""

    cidr: Cidr
    """The block of addresses."""
    ports: Annotated[list[NetworkPort], Field(max_length=32, json_schema_extra=keyed_by("port", "protocol"))] | None = (
        None
    )
    """Its ports; all when unset."""


class Network(Model):
    """Whom the tenant's workloads may talk to. Pods and machines alike."""

    mode: NetworkMode = NetworkMode.ISOLATED
    """Isolated: the tenant's own namespaces, DNS, and what is listed here."""
    ingress: Annotated[list[Cidr], Field(max_length=64, json_schema_extra=as_set)] | None = None
    """Addresses outside the cluster from which clients may come, to the workloads' own ports."""
    ingress_namespaces: Annotated[list[Name], Field(max_length=64, json_schema_extra=as_set)] | None = None
    """Further namespaces from which clients may come, to the workloads' own ports: that of an ingress controller."""
    egress: Annotated[list[Block], Field(max_length=64, json_schema_extra=keyed_by("cidr"))] | None = None
    """Addresses outside the tenant that its workloads may reach."""
    attachments: Annotated[list[NetworkName], Field(max_length=64, json_schema_extra=as_set)] | None = None
    """Further networks that machines may join: NAME of a NetworkAttachmentDefinition in their own namespace, or
    NAMESPACE/NAME. No NetworkPolicy holds there, so the mode must be Open."""

    model_config = rules(
        Rule(
            "!has(self.attachments) || self.mode == 'Open'",
            "no NetworkPolicy holds on attachments, so they leave an isolated network: set mode to Open, or remove"
            " attachments",
            ".attachments",
        ),
    )


class ClassQuota(Model):
    """Most that may run in one IsolationClass."""

    class_name: ObjectName
    """The class."""
    cpu: Quantity | None = None
    """Processors, overhead included."""
    memory: Quantity | None = None
    """Memory in bytes, overhead included."""
    workloads: Annotated[int, Field(ge=0, le=100000)] | None = None
    """Workloads."""


class Quota(Model):
    """Most that the tenant may have, pods and machines together, overhead of isolation included. Unset is unlimited."""

    cpu: Quantity | None = None
    """Processors."""
    memory: Quantity | None = None
    """Memory in bytes."""
    storage: Quantity | None = None
    """Disks that Berth makes, in bytes."""
    workloads: Annotated[int, Field(ge=0, le=100000)] | None = None
    """Workloads."""
    virtual_machines: Annotated[int, Field(ge=0, le=100000)] | None = None
    """Virtual machines: every replica is one."""
    classes: Annotated[list[ClassQuota], Field(max_length=32, json_schema_extra=keyed_by("className"))] | None = None
    """Further limits by class."""


class TenantSwitching(Model):
    """How the tenant's running workloads are moved."""

    max_concurrent: Annotated[int, Field(ge=1, le=1000)] = 5
    """Most moves to another class at one time."""


class TenantSpec(Model):
    """Namespaces that belong together, and what holds for them."""

    namespace_selector: LabelSelector
    """Labels of the tenant's namespaces. Only admins may change them, which the shipped admission policies see to."""
    floor: IsolationLevel | None = None
    """Lowest isolation level of its workloads."""
    node_sharing: NodeSharing | None = None
    """How far its nodes must be set apart."""
    classes: TenantClasses | None = None
    """Which IsolationClasses its workloads may run in."""
    images: ImageRules | None = None
    """Which images may run."""
    service_accounts: Allowed | None = None
    """ServiceAccounts that its workloads may run as."""
    priority_classes: Allowed | None = None
    """PriorityClasses that its workloads may have; none when unset."""
    storage_classes: Allowed | None = None
    """StorageClasses of its disks; all when unset."""
    disks: Disks | None = None
    """What disks of its machines may be made from, beside what lies in the namespace."""
    nodes: NodePool | None = None
    """Its own nodes; what the class asks of nodes holds as well."""
    network: Network | None = None
    """Whom its workloads may talk to; Isolated when unset."""
    switching: TenantSwitching | None = None
    """How its running workloads are moved."""
    quota: Quota | None = None
    """Most that it may have."""

    model_config = rules(SELECTS_SOMETHING)


class ResourceUsage(Model):
    """What one resource is used for, and its limit."""

    resource: Annotated[str, Field(max_length=317)]
    """cpu, memory, storage, workloads, virtualMachines, or `class/` and a name and one of these."""
    limit: Quantity | None = None
    """Most that there may be; unlimited when unset."""
    used: Quantity
    """All of it together."""
    requested: Quantity
    """What authors asked for."""
    overhead: Quantity
    """What isolation adds."""
    reserved: Quantity
    """The other side of moves that are under way."""


class ClassUsage(Model):
    """How many of the tenant's workloads run in one class."""

    class_name: ObjectName
    """The class."""
    workloads: Annotated[int, Field(ge=0)]
    """How many."""


class Unserved(Model):
    """A workload of the tenant that does not run."""

    namespace: Annotated[str, Field(max_length=63)]
    """Its namespace."""
    name: Annotated[str, Field(max_length=63)]
    """Its name."""
    reason: Annotated[str, Field(max_length=63)]
    """Why, in one word."""
    message: Annotated[str, Field(max_length=1024)]
    """Why, with numbers and the fix."""


class TenantStatus(Model):
    """Whose namespaces these are, and what is used of what there may be."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Accepted: the spec is understood and no namespace belongs to another tenant too."""
    namespaces: Annotated[list[Annotated[str, Field(max_length=63)]], Field(max_length=256)] | None = None
    """Its namespaces, the first 256 by name."""
    namespace_count: Annotated[int, Field(ge=0)] | None = None
    """How many there are."""
    workloads: Annotated[int, Field(ge=0)] | None = None
    """Its workloads that run or may."""
    usage: Annotated[list[ResourceUsage], Field(max_length=128, json_schema_extra=keyed_by("resource"))] | None = None
    """What is used of each resource, split into what was asked for, overhead and reserve."""
    classes: Annotated[list[ClassUsage], Field(max_length=64, json_schema_extra=keyed_by("className"))] | None = None
    """Its workloads by class."""
    unserved: Annotated[list[Unserved], Field(max_length=32)] | None = None
    """What does not run and why: the first 32, those that wait for quota in their order."""


class Tenant(Model):
    """Namespaces that belong together and what holds for them: floor, classes, images, nodes, network, quota."""

    spec: TenantSpec
    """Namespaces and rules."""
    status: TenantStatus | None = None
    """Namespaces found, and what is used."""

    model_config = rules(
        Rule(
            "self.metadata.name.size() <= 63 && !self.metadata.name.startsWith('ns.')",
            "the name is longer than 63 characters or starts with `ns.`: Berth writes it into labels, so change it",
            on_create=True,
        ),
    )
