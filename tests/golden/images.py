"""Golden images for tests that have no cluster."""

from berth.api.workload import WorkloadSpec
from berth.app.origins import Clones
from berth.render.model import Clone


def own_images(spec: WorkloadSpec, namespace: str) -> Clones:
    """Return what DataSources lead to where each has a claim of its own name and namespace."""
    machine = spec.machine
    disks = [machine.boot_disk, *(machine.disks or ())] if machine else []
    names = sorted({disk.data_source.name for disk in disks if disk.data_source})
    return tuple((name, Clone("pvc", namespace, name)) for name in names)
