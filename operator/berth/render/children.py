"""Decision -> children, in the order in which they are applied."""

import re
from typing import Final

from berth.api.levels import Backend, WorkloadType
from berth.decide.model import ClassFacts
from berth.render.autoscaler import autoscaler
from berth.render.data_volume import data_volumes
from berth.render.deployment import deployment
from berth.render.disruption_budget import disruption_budget
from berth.render.job import job
from berth.render.model import Child, Subject, Unrenderable
from berth.render.network_policy import network_policy
from berth.render.service import service
from berth.render.virtual_machine import virtual_machine
from berth.render.virtual_machine_pool import virtual_machine_pool

_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", re.ASCII)


def render(subject: Subject, facts: ClassFacts) -> tuple[Child, ...]:
    """Return everything that is wanted for a Workload in a class, what others refer to first and the backing last.

    The NetworkPolicy comes before what it guards. Raises Unrenderable for what must not or cannot run there.
    """
    for value in (subject.name, subject.tenant, facts.name):
        if not _LABEL_VALUE.fullmatch(value):
            raise Unrenderable(f"{value!r} cannot be the value of a label: use at most 63 letters, digits, '-' and '.'")
    wanted = (
        *data_volumes(subject, facts),
        network_policy(subject),
        service(subject),
        disruption_budget(subject, facts),
        autoscaler(subject, facts),
        _backing(subject, facts),
    )
    return tuple(child for child in wanted if child is not None)


def _backing(subject: Subject, facts: ClassFacts) -> Child:
    is_task = subject.spec.type is WorkloadType.TASK
    if facts.backend is Backend.POD:
        return job(subject, facts) if is_task else deployment(subject, facts)
    # An autoscaled machine is always a pool: passing between one and two replicas must not replace it.
    if subject.spec.autoscaling or (subject.spec.replicas > 1 and not is_task):
        return virtual_machine_pool(subject, facts)
    return virtual_machine(subject, facts)
