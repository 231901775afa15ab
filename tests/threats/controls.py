"""The controls of the Pod Security Standards: twelve of *baseline*, six of *restricted*, each as somebody would break it.

Source: kubernetes.io/docs/concepts/security/pod-security-standards.
"""

from dataclasses import dataclass, field
from typing import Any

from threats.model import Json, Layer

GONE = "(gone)"
CAPABLE: Json = {"drop": ["ALL"], "add": ["SYS_ADMIN"]}
METADATA: Json = {"preStop": {"httpGet": {"port": 80, "host": "169.254.169.254"}}}
SHARED_KERNEL: Json = {"runtimeClassName": GONE}
"""Root of a sandbox is not root of the node, so admission lets a sandbox have it; the verifier knows who asked."""


@dataclass(frozen=True)
class Control:
    """One way to break one control."""

    name: str
    """Of the standard, as rules of the verifier are called."""
    path: str
    """In a pod or a container."""
    value: Any
    threat: int
    authored: Any = None
    """What an author would write instead, where the attack is to leave something out."""
    several: bool = False
    """Whether there are several ways to break it in the same place."""
    pod: Json = field(default_factory=dict)
    """What is changed in the pod beside it by a stolen account, so that Kubernetes itself lets it pass."""
    beside: Json = field(default_factory=dict)
    """The same, in the same pod or container."""
    stolen: Layer = Layer.ADMISSION
    """What refuses it to a stolen account."""


OF_PODS = (
    Control("HostProcess", "securityContext.windowsOptions", {"hostProcess": True}, 1, stolen=Layer.SCHEMA),
    Control("HostNamespaces", "hostNetwork", True, 1, several=True),
    Control("HostNamespaces", "hostPID", True, 1, several=True),
    Control("HostNamespaces", "hostIPC", True, 1, several=True),
    Control("HostPathVolumes", "volumes.0", {"name": "scratch", "hostPath": {"path": "/var/run"}}, 1),
    Control("AppArmor", "securityContext.appArmorProfile", {"type": "Unconfined"}, 2),
    Control("SELinux", "securityContext.seLinuxOptions", {"type": "spc_t"}, 2),
    Control("Seccomp", "securityContext.seccompProfile.localhostProfile", "x", 2, stolen=Layer.SCHEMA),
    Control("Sysctls", "securityContext.sysctls", [{"name": "kernel.msgmax", "value": "65536"}], 2),
    Control("VolumeTypes", "volumes.0", {"name": "scratch", "csi": {"driver": "evil.example"}}, 4),
    Control("RunningAsNonRoot", "securityContext.runAsNonRoot", False, 2, pod=SHARED_KERNEL),
    Control("RunningAsNonRootUser", "securityContext.runAsUser", 0, 2, pod=SHARED_KERNEL),
    Control("SeccompRestricted", "securityContext.seccompProfile.type", "Unconfined", 2),
)
OF_CONTAINERS = (
    Control("HostProcess", "securityContext.windowsOptions", {"hostProcess": True}, 1, stolen=Layer.SCHEMA),
    Control(
        "PrivilegedContainers",
        "securityContext.privileged",
        True,
        1,
        beside={"securityContext.allowPrivilegeEscalation": True},
    ),
    Control("Capabilities", "securityContext.capabilities", CAPABLE, 2),
    Control("HostPorts", "ports", [{"containerPort": 8081, "hostPort": 8081}], 1),
    Control("HostProbesAndLifecycleHooks", "lifecycle", METADATA, 3),
    Control("AppArmor", "securityContext.appArmorProfile", {"type": "Unconfined"}, 2),
    Control("SELinux", "securityContext.seLinuxOptions", {"user": "system_u", "type": "spc_t"}, 2),
    Control("ProcMountType", "securityContext.procMount", "Unmasked", 2, pod={"hostUsers": False}),
    Control("Seccomp", "securityContext.seccompProfile", {"type": "Unconfined"}, 2),
    Control("PrivilegeEscalation", "securityContext.allowPrivilegeEscalation", True, 2),
    Control("RunningAsNonRoot", "securityContext.runAsNonRoot", False, 2, pod=SHARED_KERNEL),
    Control("RunningAsNonRootUser", "securityContext.runAsUser", 0, 2, pod=SHARED_KERNEL),
    Control("CapabilitiesRestricted", "securityContext.capabilities.drop", GONE, 2, ["NET_RAW"]),
)
