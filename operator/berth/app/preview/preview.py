"""From a request to the warnings that answer it. Nothing is stored of what is asked, and nothing is ever denied."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from berth.app.preview.admission import Raw, Request
from berth.app.preview.lines import fitting
from berth.app.preview.of_rules import of_policy, of_tenant, of_waiver
from berth.app.preview.of_workload import of_workload
from berth.app.preview.picture import Picture
from berth.kube.resources import ISOLATION_POLICIES, TENANTS, WAIVERS, WORKLOADS
from berth.world import parse

_REFRESH_SECONDS: Final = 1.0
"""Seconds that may be spent on looking at Workloads that have changed before anything is answered."""

_RULES: Final[dict[str, tuple[Callable[[Raw], Any], Callable[[str, Any, Picture], AsyncIterator[str]]]]] = {
    ISOLATION_POLICIES.plural: (parse.isolation_policy, of_policy),
    TENANTS.plural: (parse.tenant, of_tenant),
    WAIVERS.plural: (parse.waiver, of_waiver),
}


async def preview(request: Request, picture: Picture) -> list[str]:
    """Return what would come of a request, as warnings. What is no dry-run gets none."""
    if not request.dry_run:
        return []
    deleted = request.operation == "DELETE"
    await picture.refresh(_REFRESH_SECONDS)
    if request.plural == WORKLOADS.plural and request.new is not None and not deleted:
        return fitting(of_workload(parse.workload(_whole(request.new, request)), picture))
    if request.plural not in _RULES or (request.new is None and not deleted):
        return []
    project, sentences = _RULES[request.plural]
    raw = _whole((request.old if deleted else request.new) or {}, request)
    record = None if deleted else project(raw)
    return fitting([line async for line in sentences(raw["metadata"]["name"], record, picture)])


def _whole(raw: Raw, request: Request) -> Raw:
    """Return an object with all metadata that stored ones have: one that is being created has no version yet."""
    given = raw.get("metadata") or {}
    meta = {"uid": "", "resourceVersion": "", "name": request.name or given.get("generateName", ""), **given}
    if request.namespace:
        meta["namespace"] = request.namespace
    return {**raw, "metadata": meta}
