"""Why an image is not pulled, in words that stay the same from one try to the next."""

import re
from typing import Final

from berth.api.reasons import Reason
from berth.world.ends import Container
from berth.world.records import Problem
from berth.world.steady import steady

FAILED: Final = frozenset(
    {
        *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
        *("RegistryUnavailable", "SignatureValidationFailed"),
    }
)
"""Reasons of a waiting container (k8s.io/kubernetes/pkg/kubelet/images)."""
_WRAPPED: Final = re.compile(
    r'^Back-off pulling image ".*?"(?:: (?:\w+: )?|$)|rpc error: code = \w+ desc = '
    r'|failed to pull and unpack image ".*?": |failed to resolve (?:image|reference ".*?"): |failed to do request: '
)
_MOVES: Final = re.compile(r"(?:read|write) \w+ \S+->\S+: |dial tcp \S+: connect: |\?ns=[^\s\"]+")
"""Addresses and ports that are others with every try."""
_CHARACTERS: Final = 240
"""Most of what containerd says: the cause stands at its end."""
_CAUSES: Final = (
    (
        re.compile(r"not found|manifest unknown|name unknown", re.IGNORECASE),
        ("there is no such image", "correct its name or tag"),
    ),
    (
        re.compile(r"unauthorized|authorization|authentication|access denied|forbidden|\b40[13]\b", re.IGNORECASE),
        ("the registry refuses it, or has no such image", "name a Secret with credentials in imagePullSecrets"),
    ),
    (
        re.compile(r"^Head |no such host|i/o timeout|deadline exceeded|refused|no route|x509|TLS|EOF", re.IGNORECASE),
        ("its registry does not answer the node", "check the registry's name, and the way from the nodes to it"),
    ),
)
"""What containerd says, what that means, and what mends it."""


def not_pulled(container: Container) -> Problem:
    """Return why its image is not there."""
    waits, image = container.state("waiting"), container.image
    if waits["reason"] == "InvalidImageName":
        text = f"{image} is no name of an image: correct {container.path}.image"
        return container.problem(Reason.IMAGE_PULL_FAILED, text)
    said = (
        steady(_MOVES.sub("", _WRAPPED.sub("", waits.get("message", "")))).removeprefix(f"{image}: ") or waits["reason"]
    )
    cause, fix = next((words for pattern, words in _CAUSES if pattern.search(said)), ("", ""))
    told = f"{cause} ({said[-_CHARACTERS:]}): {fix}" if cause else said
    return container.problem(Reason.IMAGE_PULL_FAILED, f"image {image} cannot be pulled: {told}")
