"""Who calls, and whether they may: asked of the API server by TokenReview and SubjectAccessReview.

As controller-runtime and kube-rbac-proxy do it, so whoever may scrape Kubernetes' own components may scrape Berth: by
a ClusterRole with `nonResourceURLs: [/metrics], verbs: [get]`.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from berth.kube.client import Client
from berth.kube.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS, Resource

_KEPT_SECONDS: Final = 60.0
"""An answer counts for so long, as the token cache of kube-rbac-proxy does: a scrape costs no requests then."""
_MOST_KEPT: Final = 1000


class Reviewer:
    """Asks whether the bearer of a token may do something at a path of this process."""

    def __init__(self, client: Client, clock: Callable[[], float]) -> None:
        self._client = client
        self._clock = clock
        self._known: dict[tuple[bytes, str, str], tuple[float, bool | None]] = {}

    async def may(self, token: str, verb: str, path: str) -> bool | None:
        """Return whether the bearer may; None when nobody knows the token. Raises ApiError when it cannot be asked."""
        question = (hashlib.sha256(token.encode()).digest(), verb, path)
        known = self._known.get(question)
        if known is not None and self._clock() - known[0] < _KEPT_SECONDS:
            return known[1]
        answer = await self._ask(token, verb, path)
        if len(self._known) >= _MOST_KEPT:  # guesses of somebody who has no token
            self._known.clear()
        self._known[question] = (self._clock(), answer)
        return answer

    async def _ask(self, token: str, verb: str, path: str) -> bool | None:
        review = await self._client.create(TOKEN_REVIEWS, None, {**_kind(TOKEN_REVIEWS), "spec": {"token": token}})
        status = review.get("status") or {}
        if not status.get("authenticated"):
            return None
        user = status.get("user") or {}
        spec = {
            "user": user.get("username", ""),
            "groups": user.get("groups") or [],
            "uid": user.get("uid", ""),
            "extra": user.get("extra") or {},
            "nonResourceAttributes": {"verb": verb, "path": path},
        }
        access = await self._client.create(
            SUBJECT_ACCESS_REVIEWS, None, {**_kind(SUBJECT_ACCESS_REVIEWS), "spec": spec}
        )
        return bool((access.get("status") or {}).get("allowed"))


def _kind(resource: Resource) -> dict[str, str]:
    return {"apiVersion": resource.api_version, "kind": resource.kind}
