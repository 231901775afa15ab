"""The nodes of the class are set apart at least as far as is required."""

import pytest

from berth.api.levels import NodeSharing
from berth.decide.rules.node_sharing import node_sharing
from decide.builders import needing, pods

STEPS = list(NodeSharing)


@pytest.mark.parametrize("has", STEPS)
@pytest.mark.parametrize("wants", STEPS)
def test_exactly_what_is_set_apart_enough_fits(has: NodeSharing, wants: NodeSharing) -> None:
    verdict = node_sharing(needing(node_sharing=wants), pods(sharing=has))
    assert (verdict is None) == (STEPS.index(has) >= STEPS.index(wants))


def test_it_says_what_to_use() -> None:
    verdict = node_sharing(needing(node_sharing=NodeSharing.TENANT), pods())
    assert verdict is not None
    assert "its nodes are Shared, but nodeSharing Tenant is required" in verdict.message
