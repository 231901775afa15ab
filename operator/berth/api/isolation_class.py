"""`isolationclasses.berth.dev`: one place where workloads can run, written by platform admins."""

from typing import Annotated, Literal

from pydantic import Field

from berth.api.base import LabelKey, LabelMap, LabelValue, Model, ObjectName, Rule, exactly_one, keyed_by, rules
from berth.api.condition import Conditions
from berth.api.levels import IsolationLevel, NodeSharing
from berth.api.size import ResourceAmounts


class PodBackend(Model):
    """Runs workloads as pods."""

    runtime_class_name: ObjectName | None = None
    """RuntimeClass of the pods; the node's default runtime when unset."""
    handler: ObjectName | None = None
    """Handler that the RuntimeClass must have. When unset, the first one seen is kept to: a RuntimeClass that is made
    anew with another handler would run the same pods with less isolation."""

    model_config = rules(
        Rule(
            "!has(self.handler) || has(self.runtimeClassName)",
            "handler is that of a RuntimeClass: set runtimeClassName, or remove handler",
            ".handler",
        ),
    )
    user_namespaces: bool | None = None
    """Whether pods get a user namespace of their own (hostUsers: false)."""


class VirtualMachineBackend(Model):
    """Runs workloads as KubeVirt virtual machines."""

    launch_security: Literal["sev", "snp", "tdx"] | None = None
    """Memory encryption of a Confidential class."""


class Toleration(Model):
    """A taint that workloads of this class may stand, as in core/v1."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue | None = None
    """Value of the taint; any when unset."""
    effect: Literal["NoSchedule", "NoExecute"] | None = None
    """Effect of the taint; any when unset."""


class NodePool(Model):
    """The nodes of this class."""

    selector: LabelMap | None = None
    """Labels that the nodes have."""
    tolerations: Annotated[list[Toleration], Field(max_length=16)] | None = None
    """Taints of the nodes."""
    sharing: NodeSharing = NodeSharing.SHARED
    """How far these nodes are set apart: the admin vouches that nothing else is scheduled there."""

    model_config = rules(
        Rule(
            "self.sharing == 'Shared' || (has(self.selector) && self.selector.size() > 0)",
            "nodes that are set apart must be told from others: give nodes.selector, or set sharing to Shared",
        ),
    )


class IsolationClassSpec(Model):
    """Level, backend and nodes of one class."""

    level: IsolationLevel
    """Isolation that workloads get here."""
    enabled: bool = True
    """Whether new workloads may be placed here."""
    preference: Annotated[int, Field(ge=-1000, le=1000)] = 0
    """Among classes of the same level and overhead, the highest is taken."""
    pod: PodBackend | None = None
    """Run as pods. Exactly one of pod and virtualMachine."""
    virtual_machine: VirtualMachineBackend | None = None
    """Run as virtual machines. Exactly one of pod and virtualMachine."""
    nodes: NodePool | None = None
    """Nodes of this class; all when unset."""
    overhead: ResourceAmounts | None = None
    """Overhead per replica, where the RuntimeClass names none. It is shown and counted, not enforced."""

    model_config = rules(
        exactly_one("a class has one backend", "pod", "virtualMachine"),
        Rule(
            "self.level != 'Container' || !has(self.virtualMachine)",
            "a virtual machine is not Container: set level to Virtualized or Confidential",
            ".level",
        ),
        Rule(
            "self.level != 'Sandboxed' || (has(self.pod) && has(self.pod.runtimeClassName))",
            "a Sandboxed class needs pod.runtimeClassName: name the RuntimeClass of the sandbox",
            ".level",
        ),
        Rule(
            "!(self.level in ['Virtualized', 'Confidential']) || has(self.virtualMachine) ||"
            " (has(self.pod) && has(self.pod.runtimeClassName))",
            "a Virtualized class of pods needs pod.runtimeClassName: name a Kata RuntimeClass, or use virtualMachine",
            ".level",
        ),
        Rule(
            "self.level != 'Confidential' || !has(self.virtualMachine) || has(self.virtualMachine.launchSecurity)",
            "a Confidential class needs virtualMachine.launchSecurity: sev, snp or tdx",
            ".virtualMachine",
        ),
        Rule(
            "!has(self.virtualMachine) || !has(self.virtualMachine.launchSecurity) || self.level == 'Confidential'",
            "launchSecurity makes a class Confidential: set level to Confidential, or remove it",
            ".virtualMachine",
        ),
        Rule(
            "has(self.pod) == has(oldSelf.pod)",
            "the backend of a class is immutable: create another class and disable this one",
        ),
        Rule("self.level == oldSelf.level", "level is immutable: create another class and disable this one", ".level"),
    )


class Sight(Model):
    """What a probe saw from inside a pod of a class; empty where the kernel of a sandbox does not tell."""

    kernel: Annotated[str, Field(max_length=256)] = ""
    """Release of the kernel."""
    boot_id: Annotated[str, Field(alias="bootID", max_length=64)] = ""
    """Identity of the boot of the kernel: two pods that see the same one share it."""
    uid_map: Annotated[str, Field(max_length=256)] = ""
    """User ids: inside, outside, how many."""
    seccomp: Annotated[str, Field(max_length=8)] = ""
    """Filter of system calls: 2 is one, 0 is none."""
    no_new_privs: Annotated[str, Field(max_length=8)] = ""
    """1 where no program gains privileges."""
    cap_eff: Annotated[str, Field(max_length=32)] = ""
    """Effective capabilities, as bits."""
    resolved: bool = False
    """Whether a DNS server answered, which the NetworkPolicy of probes allows: the network works."""
    reached: Annotated[list[Annotated[str, Field(max_length=263)]], Field(max_length=32)] | None = None
    """Addresses that were reached, though that NetworkPolicy forbids them."""


class IsolationProbe(Model):
    """The last probe of a class on one kind of nodes."""

    key: Annotated[str, Field(max_length=64)]
    """Hash of all that may change the result: the class, its RuntimeClass, the software of the nodes."""
    node: Annotated[str, Field(max_length=253)]
    """Node where it ran, or was to run."""
    kubelet: Annotated[str, Field(max_length=256)] = ""
    """Version of its kubelet."""
    runtime: Annotated[str, Field(max_length=256)] = ""
    """Version of its container runtime."""
    kernel: Annotated[str, Field(max_length=256)] = ""
    """Release of its kernel."""
    time: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    """When it ended."""
    seen: Sight | None = None
    """What it saw; unset when it did not come to it."""
    problem: Annotated[str, Field(max_length=1024)] | None = None
    """Why it saw nothing."""
    contradictions: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=16)] | None = None
    """What it saw that the class does not promise."""


class IsolationClassStatus(Model):
    """Whether this cluster can do it."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that this status is about."""
    conditions: Conditions | None = None
    """Available, and of pods: Probed, NetworkPolicyEnforced."""
    backend: Annotated[str, Field(max_length=63)] | None = None
    """Pod or VirtualMachine."""
    nodes: Annotated[int, Field(ge=0)] | None = None
    """Schedulable nodes that can run it."""
    workloads: Annotated[int, Field(ge=0)] | None = None
    """Workloads that are placed here."""
    overhead: ResourceAmounts | None = None
    """Overhead of the smallest replica."""
    handler: Annotated[str, Field(max_length=253)] | None = None
    """Handler of the RuntimeClass when it was first seen; one that differs later makes the class unavailable."""
    probes: Annotated[list[IsolationProbe], Field(max_length=64, json_schema_extra=keyed_by("key"))] | None = None
    """What was seen from inside, by kind of nodes."""


class IsolationClass(Model):
    """One place where workloads can run: a level, a backend and its nodes."""

    spec: IsolationClassSpec
    """Level, backend and nodes."""
    status: IsolationClassStatus | None = None
    """Whether this cluster can do it."""

    model_config = rules(
        Rule(
            "self.metadata.name.size() <= 63",
            "the name is longer than 63 characters: Berth writes it into labels, so shorten it",
            on_create=True,
        ),
    )
