"""Several machines: a Service of more than one replica, or one that is autoscaled."""

from berth.decide.model import ClassFacts
from berth.render.disks import attached
from berth.render.machine_template import machine_spec
from berth.render.metadata import backing_labels, child, metadata, pod_labels, selector
from berth.render.model import Child, Subject, Unrenderable
from berth.render.scheduling import spread


def virtual_machine_pool(subject: Subject, facts: ClassFacts) -> Child:
    """Return the VirtualMachinePool.

    Raises Unrenderable as `machine_spec` does, and when several machines would write one disk.
    """
    _refuse_shared_disks(subject)
    return child(
        {
            "apiVersion": "pool.kubevirt.io/v1beta1",
            "kind": "VirtualMachinePool",
            "metadata": metadata(subject, backing_labels(subject, facts)),
            "spec": {
                "replicas": subject.spec.replicas,
                "selector": {"matchLabels": selector(subject)},
                "updateStrategy": {"proactive": {}},
                "maxUnavailable": 1,  # KubeVirt's default restarts all of them at once
                "virtualMachineTemplate": {
                    "metadata": {"labels": pod_labels(subject, facts)},
                    "spec": machine_spec(subject, facts, spread=spread(subject)),
                },
            },
        },
    )


def _refuse_shared_disks(subject: Subject) -> None:
    machine = subject.spec.machine
    if machine is None or subject.spec.replicas <= 1:
        return
    for each in attached(subject, machine):
        if not each.several:
            raise Unrenderable(
                f"several machines cannot write disk {each.name}: set replicas to 1, or use containerDisk"
            )
