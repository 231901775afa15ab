"""What KubeVirt's mutating webhook writes into a VirtualMachine, whoever made it (virt-api, vm-mutator)."""

from uuid import uuid4

from ground.api import Json

TOPOLOGY = "kubevirt.io/pci-topology-version"
NEWEST_TOPOLOGY = "v3"
HOTPLUG_ARCHITECTURES = ("amd64", "arm64")
MACHINES = {"amd64": "q35", "arm64": "virt", "s390x": "s390-ccw-virtio"}
DEFAULT_ARCHITECTURE = "amd64"


def filled(vm: Json, preference: Json | None, *, created: bool) -> Json:
    """Return the template with what the webhook adds: the firmware's identity and the topology on create only."""
    template: Json = {**(vm["spec"].get("template") or {})}
    spec: Json = {**(template.get("spec") or {})}
    spec["architecture"] = spec.get("architecture") or _preferred(preference, "preferredArchitecture")
    spec["architecture"] = spec["architecture"] or DEFAULT_ARCHITECTURE
    spec["domain"] = _domain(spec.get("domain") or {}, spec["architecture"], preference, created=created)
    if created and spec["architecture"] in HOTPLUG_ARCHITECTURES:
        meta = template.get("metadata") or {}
        annotations = {TOPOLOGY: NEWEST_TOPOLOGY, **(meta.get("annotations") or {})}
        template["metadata"] = {**meta, "annotations": annotations}
    return {**template, "spec": spec}


def _domain(given: Json, architecture: str, preference: Json | None, *, created: bool) -> Json:
    domain = {**given}
    machine = given.get("machine") or {}
    if not machine.get("type"):
        preferred = _preferred((preference or {}).get("machine"), "preferredMachineType")
        domain["machine"] = {**machine, "type": preferred or MACHINES[architecture]}
    if created:
        identity = {key: str(uuid4()) for key in ("uuid", "serial")}
        domain["firmware"] = {**identity, **(given.get("firmware") or {})}
    return domain


def _preferred(where: Json | None, field: str) -> str:
    return str((where or {}).get(field) or "")
