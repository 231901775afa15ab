"""What the code does to its kernel is possible here, and harms nobody else."""

from berth.api.levels import Backend, IsolationLevel
from berth.api.reasons import Reason
from berth.decide.model import Ask, ClassFacts, Outcome, Verdict


def needs(ask: Ask, facts: ClassFacts) -> Verdict | None:
    """Refuse pods for whatever needs a kernel of its own, and bare pods for user 0."""
    if facts.backend is Backend.VIRTUAL_MACHINE:
        if ask.nested_virtualization and not any(shape.nested for shape in facts.shapes) and not facts.unavailable:
            message = "needs.nestedVirtualization: no node has nested virtualization (vmx or svm): enable it on one"
            return Verdict(Outcome.NOT_NOW, "needs", Reason.NO_CAPABLE_NODE, message)
        return None
    unmet = _needs_machine(ask)
    if unmet is not None:
        message = f"{unmet} only in a virtual machine: add spec.machine, or drop the need"
        return Verdict(Outcome.NEVER, "needs", Reason.NO_ELIGIBLE_CLASS, message)
    # User 0 of a user namespace or of a sandbox is not user 0 of the node (KEP-127).
    if ask.root and not facts.user_namespaces and facts.level is IsolationLevel.CONTAINER:
        message = "needs.root is not possible here: use a class with userNamespaces, a sandbox or a virtual machine"
        return Verdict(Outcome.NEVER, "needs", Reason.NO_ELIGIBLE_CLASS, message)
    return None


def _needs_machine(ask: Ask) -> str | None:
    if ask.privileged:
        return "needs.privileged is possible"
    if ask.kernel_modules:
        return f"needs.kernelModules ({', '.join(ask.kernel_modules)}) can be loaded"
    if ask.nested_virtualization:
        return "needs.nestedVirtualization is possible"
    return None
