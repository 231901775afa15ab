"""Claims of disks that are to become larger. CDI makes them; nothing of them is written but their size."""

from berth.api.meta import STORAGE_ANNOTATION
from berth.api.quantity import format_memory
from berth.render.fields import canonical
from berth.render.model import Child, Growth


def grown_claim(namespace: str, growth: Growth) -> Child:
    """Return the larger size of a claim, and the size of its disk, which tells later what it was grown to."""
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": growth.claim,
            "namespace": namespace,
            "annotations": {STORAGE_ANNOTATION: canonical(format_memory(growth.storage))},
        },
        "spec": {"resources": {"requests": {"storage": canonical(format_memory(growth.request))}}},
    }
    return Child("PersistentVolumeClaim", growth.claim, body)
