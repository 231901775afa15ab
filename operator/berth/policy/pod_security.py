"""What the labels of a namespace have the API server refuse there: Pod Security admission.

What its configuration file says of namespaces without labels, and whom it exempts, no client can read.
Source: k8s.io/pod-security-admission/api PolicyToEvaluate.
"""

import re
from typing import Final

from berth.policy.compiled import Labels
from berth.policy.model import PodSecurity

LABEL: Final = "pod-security.kubernetes.io/enforce"
VERSION_LABEL: Final = f"{LABEL}-version"
PRIVILEGED: Final = "privileged"
BASELINE: Final = "baseline"
RESTRICTED: Final = "restricted"


def enforced_in(namespace: str, labels: Labels) -> PodSecurity | None:
    """Return what a namespace enforces; None where nothing is refused. A level that is none counts as restricted."""
    given = dict(labels)
    level = given.get(LABEL, PRIVILEGED)
    if level == PRIVILEGED:
        return None
    version = re.fullmatch(r"v1\.(0|[1-9][0-9]{0,3})", given.get(VERSION_LABEL, ""))
    minor = int(version[1]) if version else None
    return PodSecurity(namespace, BASELINE if level == BASELINE else RESTRICTED, minor)
