"""What the labels of a namespace have the API server refuse there."""

import pytest

from berth.policy.model import PodSecurity
from berth.policy.pod_security import LABEL, VERSION_LABEL, enforced_in


@pytest.mark.parametrize(
    ("level", "version", "enforced"),
    [
        (None, None, None),
        (None, "v1.24", None),
        ("privileged", "v1.24", None),
        ("baseline", None, PodSecurity("shop", "baseline")),
        ("restricted", None, PodSecurity("shop", "restricted")),
        ("restricted", "latest", PodSecurity("shop", "restricted")),
        ("restricted", "v1.24", PodSecurity("shop", "restricted", 24)),
        ("restricted", "v1.0", PodSecurity("shop", "restricted", 0)),
        ("restricted", "1.24", PodSecurity("shop", "restricted")),
        ("restricted", "v1.024", PodSecurity("shop", "restricted")),
        ("Baseline", None, PodSecurity("shop", "restricted")),
        ("", None, PodSecurity("shop", "restricted")),
    ],
)
def test_a_level_that_is_none_counts_as_the_strictest(
    level: str | None, version: str | None, enforced: PodSecurity | None
) -> None:
    labels = {LABEL: level, VERSION_LABEL: version, "tenant": "acme"}
    given = tuple((key, value) for key, value in labels.items() if value is not None)
    assert enforced_in("shop", given) == enforced
