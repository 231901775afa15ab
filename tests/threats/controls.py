"""The controls of the Pod Security Standards: twelve of *baseline*, six of *restricted*, each as somebody would break it.

Source: kubernetes.io/docs/concepts/security/pod-security-standards.
"""

from dataclasses import dataclass
from typing import Any

GONE = "(gone)"


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
    part: bool = False
    """Whether `path` is a part of what other paths break, too: it then has a name of its own."""


OF_PODS = (
    Control("HostProcess", "securityContext.windowsOptions", {"hostProcess": True}, 1),
    Control("HostNamespaces", "hostNetwork", True, 1, part=True),
    Control("HostNamespaces", "hostPID", True, 1, part=True),
    Control("HostNamespaces", "hostIPC", True, 1, part=True),
    Control("HostPathVolumes", "volumes.0", {"name": "scratch", "hostPath": {"path": "/var/run"}}, 1),
    Control("AppArmor", "securityContext.appArmorProfile", {"type": "Unconfined"}, 2),
    Control("SELinux", "securityContext.seLinuxOptions", {"type": "spc_t"}, 2),
    Control("Seccomp", "securityContext.seccompProfile", {"type": "Unconfined"}, 2),
    Control("Sysctls", "securityContext.sysctls", [{"name": "kernel.msgmax", "value": "65536"}], 2),
    Control("VolumeTypes", "volumes.0", {"name": "scratch", "csi": {"driver": "evil.example"}}, 4),
    Control("RunningAsNonRoot", "securityContext.runAsNonRoot", False, 2),
    Control("RunningAsNonRootUser", "securityContext.runAsUser", 0, 2),
    Control("SeccompRestricted", "securityContext.seccompProfile", GONE, 2, {"type": "Localhost", "localhostProfile": "x"}),
)  # fmt: skip
OF_CONTAINERS = (
    Control("HostProcess", "securityContext.windowsOptions", {"hostProcess": True}, 1),
    Control("PrivilegedContainers", "securityContext.privileged", True, 1),
    Control("Capabilities", "securityContext.capabilities", {"drop": ["ALL"], "add": ["SYS_ADMIN"]}, 2),
    Control("HostPorts", "ports", [{"containerPort": 8081, "hostPort": 8081}], 1),
    Control("HostProbesAndLifecycleHooks", "lifecycle", {"preStop": {"httpGet": {"port": 80, "host": "169.254.169.254"}}}, 3),
    Control("AppArmor", "securityContext.appArmorProfile", {"type": "Unconfined"}, 2),
    Control("SELinux", "securityContext.seLinuxOptions", {"user": "system_u", "type": "spc_t"}, 2),
    Control("ProcMountType", "securityContext.procMount", "Unmasked", 2),
    Control("Seccomp", "securityContext.seccompProfile", {"type": "Unconfined"}, 2),
    Control("PrivilegeEscalation", "securityContext.allowPrivilegeEscalation", True, 2),
    Control("RunningAsNonRoot", "securityContext.runAsNonRoot", False, 2),
    Control("RunningAsNonRootUser", "securityContext.runAsUser", 0, 2),
    Control("CapabilitiesRestricted", "securityContext.capabilities.drop", GONE, 2, ["NET_RAW"]),
)  # fmt: skip
