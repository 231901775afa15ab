"""One machine: a Service of one replica, or a Task."""

from berth.decide.model import ClassFacts
from berth.render.machine_template import machine_spec
from berth.render.metadata import backing_labels, child, metadata
from berth.render.model import Child, Subject, Unrenderable


def virtual_machine(subject: Subject, facts: ClassFacts) -> Child:
    """Return the VirtualMachine; without replicas it is halted. Raises Unrenderable as `machine_spec` does."""
    if subject.spec.replicas > 1:
        raise Unrenderable("a Task runs in one machine: set replicas to 1, or use a class of pods")
    return child(
        {
            "apiVersion": "kubevirt.io/v1",
            "kind": "VirtualMachine",
            "metadata": metadata(subject, backing_labels(subject, facts)),
            "spec": machine_spec(subject, facts),
        },
    )
