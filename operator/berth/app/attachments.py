"""Which devices of a node the further networks of a machine take, as the cluster has them now."""

from collections import Counter
from collections.abc import Mapping

from berth.api.workload import WorkloadSpec
from berth.world.records import AttachmentRecord, Key

Attachments = Mapping[Key, AttachmentRecord]


def network_devices(
    namespace: str, spec: WorkloadSpec, known: Attachments, allowed: frozenset[str]
) -> tuple[tuple[str, int], ...]:
    """Return the devices that the pod of a machine requests for its networks, one for each network, sorted.

    KubeVirt requests them, or since 1.9 the network resources injector (gate ExternalNetResourceInjection).

    Nothing is looked up that its tenant does not list.
    """
    networks = (spec.machine and spec.machine.networks) or ()
    names = (each.multus.network_name for each in networks if each.multus.network_name in allowed)
    records = (known.get(_key(namespace, name)) for name in names)
    return tuple(sorted(Counter(each.device for each in records if each is not None and each.device).items()))


def _key(namespace: str, name: str) -> Key:
    home, _, own = name.rpartition("/")
    return home or namespace, own
