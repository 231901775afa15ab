"""What a version of KubeVirt can do: its feature gates, its fields, and what proves its virtualization."""

import re
from typing import Final

from berth.world.records import KubeVirtRecord

OLDEST: Final = (1, 7)
"""The oldest KubeVirt that Berth supports: older ones have no pools in version v1beta1, and no SNP or TDX."""
SERVICE_ACCOUNTS: Final = (1, 9)
"""Since when a machine names its ServiceAccount itself."""
LARGE_QEMU: Final = (1, 9)
"""Since when a launcher is given more memory for QEMU; 1.9.0 itself still has less, and is counted with more."""
HOST_DEVICES: Final = "HostDevices"
VIDEO: Final = "VideoConfig"
IMAGE_VOLUMES: Final = "ImageVolume"
"""Without it a disk from an image is a container beside the guest."""
ENCRYPTION_GATES: Final = {
    "sev": "WorkloadEncryptionSEV",
    "snp": "WorkloadEncryptionSEV",
    "tdx": "WorkloadEncryptionTDX",
}
"""The feature gate that each kind of launch security needs."""

_GATES: Final = frozenset({HOST_DEVICES, VIDEO, IMAGE_VOLUMES, *ENCRYPTION_GATES.values()})
_ALWAYS_ON: Final = {VIDEO: (1, 9)}
"""Since when a gate cannot be switched off any more."""
_ON_BY_DEFAULT: Final = {"WorkloadEncryptionSEV": (1, 9), IMAGE_VOLUMES: (1, 9)}
"""Since when a gate is on unless it is switched off. Before 1.9 that is so for none, beta or not."""
_VERSION: Final = re.compile(r"v?([0-9]+)\.([0-9]+)", re.ASCII)
_HYPERVISORS: Final = {"kvm": "devices.kubevirt.io/kvm", "hyperv-direct": "devices.kubevirt.io/mshv"}
"""The device by which nodes offer each hypervisor, through KubeVirt's device plugin."""
_UNKNOWN: Final = (1 << 30, 0)


def version_of(kubevirt: KubeVirtRecord) -> tuple[int, int]:
    """Return major and minor version; newer than all others where it says none that is understood."""
    found = _VERSION.match(kubevirt.version)
    return (int(found[1]), int(found[2])) if found else _UNKNOWN


def gates_off(kubevirt: KubeVirtRecord) -> frozenset[str]:
    """Return the feature gates that machines may need and that are off."""
    return frozenset(gate for gate in _GATES if not _is_on(gate, kubevirt))


def _is_on(gate: str, kubevirt: KubeVirtRecord) -> bool:
    version = version_of(kubevirt)
    if gate in kubevirt.gates or version >= _ALWAYS_ON.get(gate, (_UNKNOWN[0] + 1, 0)):
        return True
    return gate not in kubevirt.disabled_gates and version >= _ON_BY_DEFAULT.get(gate, (_UNKNOWN[0] + 1, 0))


def hypervisor_device(kubevirt: KubeVirtRecord) -> str | None:
    """Return the device that machines need for hardware virtualization; None for a hypervisor that is not known here.

    Since 1.8 KubeVirt can be told to use another one than KVM, behind the feature gate ConfigurableHypervisor.
    """
    configured = kubevirt.hypervisor if "ConfigurableHypervisor" in kubevirt.gates else ""
    return _HYPERVISORS.get(configured or "kvm")
