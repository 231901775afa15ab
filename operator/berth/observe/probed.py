"""What probes of an IsolationClass have seen, as its conditions."""

from collections.abc import Mapping

from berth.api.levels import IsolationLevel
from berth.api.reasons import Reason
from berth.decide.proof import contradicted, leaks, provable, proven
from berth.world.records import ClassRecord, NodeRecord

Said = tuple[str, Reason, str]
"""Status, reason and message of a condition."""


def probed(record: ClassRecord, kinds: Mapping[str, tuple[NodeRecord, ...]]) -> Said:
    """Return whether what a class promises was seen from inside, on these kinds of nodes."""
    wrong = contradicted(record)
    if wrong is not None:
        return "False", wrong.reason, wrong.message
    level = record.spec.level if record.spec else IsolationLevel.CONTAINER
    if proven(record, kinds):
        text = f"probes saw from inside {provable(level)}, on {len(kinds)} of {len(kinds)} kinds of nodes"
        return "True", Reason.VERIFIED, text
    failed = [probe for probe in record.probes if probe.key in kinds and probe.problem]
    if failed:
        text = f"the probe on node {failed[0].node} saw nothing: {failed[0].problem}: mend that; it is tried again"
        return "Unknown", Reason.ISOLATION_UNKNOWN, text
    seen = {probe.key for probe in record.probes if probe.seen}
    if kinds and kinds.keys() <= seen:
        return "Unknown", Reason.ISOLATION_UNKNOWN, _unseen(level)
    return "Unknown", Reason.ISOLATION_UNKNOWN, "no probe has run yet on every kind of nodes of the class"


def _unseen(level: IsolationLevel) -> str:
    if level is IsolationLevel.CONFIDENTIAL:
        return "no probe sees from inside whether memory is encrypted: have what runs there attest it"
    return "nothing that probes saw tells whose kernel pods run on"


def network_enforced(record: ClassRecord, kinds: Mapping[str, tuple[NodeRecord, ...]]) -> Said:
    """Return whether the network keeps pods of a class from what a NetworkPolicy forbids."""
    open_to = leaks(record)
    if open_to:
        text = (
            f"a probe reached {', '.join(open_to)}, which its NetworkPolicy forbids: pods are not kept apart on the"
            " network. Install a network that enforces NetworkPolicies on such nodes"
        )
        return "False", Reason.NETWORK_NOT_ENFORCED, text
    resolved = {probe.key for probe in record.probes if probe.seen and probe.seen.resolved}
    if kinds and kinds.keys() <= resolved:
        return "True", Reason.VERIFIED, "probes reached nothing that their NetworkPolicy forbids"
    return "Unknown", Reason.ISOLATION_UNKNOWN, "no probe that reached a DNS server has tried it on every kind of nodes"
