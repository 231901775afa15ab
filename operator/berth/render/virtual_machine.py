"""One machine: a Service of one replica, or a Task."""

from berth.api.levels import WorkloadType
from berth.decide.model import ClassFacts
from berth.render.machine_template import machine_spec
from berth.render.metadata import backing_labels, child, metadata, task_metadata
from berth.render.model import Child, Subject, Unrenderable


def virtual_machine(subject: Subject, facts: ClassFacts) -> Child:
    """Return the VirtualMachine; without replicas it is halted. Raises Unrenderable as `machine_spec` does."""
    if subject.spec.replicas > 1:
        raise Unrenderable("a Task runs in one machine: set replicas to 1, or use a class of pods")
    is_task = subject.spec.type is WorkloadType.TASK
    meta = task_metadata(subject, facts) if is_task else metadata(subject, backing_labels(subject, facts))
    return child(
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": meta,
            "spec": machine_spec(subject, facts),
        },
    )
