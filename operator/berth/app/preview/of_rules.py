"""Dry-runs of what admins write: who would run elsewhere or nowhere, what that costs, whose quota would not hold."""

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from typing import Final

from berth.api.levels import PolicyMode
from berth.app.policy_report import exceeded
from berth.app.preview.difference import Difference, Rules, compare
from berth.app.preview.lines import counted, listed, sized
from berth.app.preview.picture import Picture
from berth.app.rationing import bounds_of
from berth.app.tenancy import Tenancy, tenancy_of
from berth.decide.model import Cost
from berth.observe.status import timestamp
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, compile_policy, evadable
from berth.policy.quota import NOTHING, bare, where, words
from berth.policy.waiving import refusal
from berth.world.records import Key, PolicyRecord, TenantRecord, WaiverRecord

_SHOWN: Final = 6
"""Flips and tenants that are named."""


async def of_policy(name: str, record: PolicyRecord | None, picture: Picture) -> AsyncIterator[str]:
    """Yield what an IsolationPolicy would change, most important first; None deletes it."""
    now = Rules.now(picture)
    new = None if record is None else compile_policy(record)
    if new is not None and new.error is not None:
        yield _misunderstood(name, new)
    after = replace(now, policies=with_policy(now.policies, name, new))
    found = await compare(picture, now, after)
    if new is not None:
        yield _matched(name, found, picture)
        if name in found.errors and new.error is None:
            key, error = found.errors[name]
            yield (
                f"its condition fails on some of them, which counts as a match; the first is {key[0]}/{key[1]}: {error}"
            )
    for line in _changes(found, "", after.tenancy, picture):
        yield line
    if new is not None and new.mode is not PolicyMode.ENFORCE:
        enforced = replace(now, policies=with_policy(now.policies, name, replace(new, mode=PolicyMode.ENFORCE)))
        imagined = await compare(picture, now, enforced)
        for line in _changes(imagined, f"mode {new.mode}: if it were enforced, ", after.tenancy, picture):
            yield line
    for way in evadable(new) if new is not None else ():
        yield (
            f"authors could write their Workloads so that it does not match: {way}; match by namespaceSelector or"
            " tenants to be sure"
        )


def _misunderstood(name: str, policy: CompiledPolicy) -> str:
    if policy.when is not None:
        return f"its condition `when` does not compile: {policy.error}; until that is corrected it counts as true"
    return (
        f"IsolationPolicy {name} is not understood: {policy.error}; until that is corrected it would be read in the"
        " strictest way: Confidential, nodeSharing Exclusive, for all that it may match"
    )


def with_policy(policies: CompiledPolicies, name: str, new: CompiledPolicy | None) -> CompiledPolicies:
    """Return the policies with one of them changed, made or, by None, deleted."""
    others = [policy for policy in policies.policies if policy.name != name]
    return CompiledPolicies(tuple(sorted([*others, *([] if new is None else [new])], key=lambda policy: policy.name)))


def _matched(name: str, found: Difference, picture: Picture) -> str:
    text = f"it matches {found.matched[name]} of {counted(len(picture.rows), 'Workload')}"
    if picture.unseen:
        text += f" ({picture.unseen} more have not been looked at yet)"
    return f"{text}, of which Waivers spare {found.waived[name]}" if found.waived[name] else text


async def of_tenant(name: str, record: TenantRecord | None, picture: Picture) -> AsyncIterator[str]:
    """Yield what a Tenant would change, most important first; None deletes it."""
    store, now = picture.store, Rules.now(picture)
    others = {known: each for known, each in store.tenants.items() if known != name}
    records = others if record is None else {**others, name: record}
    after = replace(now, tenancy=tenancy_of(records, store.namespaces, now.tenancy))
    new = next((each for each in after.tenancy.tenants if each.name == name), None)
    if new is not None and new.error is not None:
        yield (
            f"Tenant {name} is not understood: {new.error}; until that is corrected nothing but the strictest would be"
            " allowed in its namespaces"
        )
    for line in _belonging(name, now.tenancy, after.tenancy):
        yield line
    for line in _changes(await compare(picture, now, after), "", after.tenancy, picture):
        yield line
    for line in _holding(name, after.tenancy, picture):
        yield line


def _belonging(name: str, now: Tenancy, after: Tenancy) -> Iterator[str]:
    """Yield whose namespaces become whose."""
    for namespace, others in sorted(after.contested(name).items())[:_SHOWN]:
        yield (
            f"namespace {namespace} would belong to {listed(others)} too: the strictest of all they say would hold"
            " there; change the labels of the namespace or a namespaceSelector"
        )
    was, then = set(now.members.get(name, ())), set(after.members.get(name, ()))
    if name in after.members:
        yield f"{counted(len(then), 'namespace')} would belong to it" + (f": {listed(sorted(then))}" if then else "")
    if was - then:
        yield f"no longer to it: {listed(sorted(was - then))}"


def _holding(name: str, after: Tenancy, picture: Picture) -> Iterator[str]:
    """Yield what is used of a tenant's quota, what is beyond it first."""
    for bounds in bounds_of((each for each in after.tenants if each.name == name), after):
        used = picture.ledger.used(bounds.namespaces)
        texts = {
            resource: f"{bare(resource, used.get(resource, NOTHING).total)} of {words(resource, limit)}"
            f"{where(resource)}"
            for resource, limit in bounds.limits.items()
        }
        over = [name for name, limit in bounds.limits.items() if used.get(name, NOTHING).total > limit]
        if over:
            yield (
                f"its quota would not hold: {listed(texts[each] for each in over)} are used; what runs goes on, and"
                " nothing of it may grow"
            )
        elif texts:
            yield f"its quota would hold: {listed(texts.values())} are used"


async def of_waiver(name: str, record: WaiverRecord | None, picture: Picture) -> AsyncIterator[str]:
    """Yield what a Waiver would change, most important first; None deletes it."""
    store, now = picture.store, Rules.now(picture)
    why = None if record is None else refusal(record, picture.views.longest_waiver)
    if why is not None:
        yield f"it would waive nothing: {why}"
    elif record is not None and record.spec is not None and record.expires is not None:
        if record.expires <= picture.clock():
            yield f"it would waive nothing: it ended at {timestamp(record.expires)}"
        for line in _unknown(record, picture):
            yield line

    def waiving(key: Key) -> tuple[WaiverRecord, ...]:
        others = tuple(each for each in store.waiving(key) if each.name != name)
        return (*others, record) if record is not None and key in record.workloads else others

    stored = store.waivers.get(name)
    named = (record.workloads if record else frozenset()) | (stored.workloads if stored else frozenset())
    found = await compare(picture, now, replace(now, waiving=waiving), sorted(named))
    if record is not None and record.spec is not None:
        spares = (f"{policy} on {found.waived[policy]}" for policy in sorted(record.spec.policies))
        yield f"of the {counted(len(named), 'Workload')} that it names, IsolationPolicies are waived: {listed(spares)}"
    for line in _changes(found, "", now.tenancy, picture):
        yield line


def _unknown(record: WaiverRecord, picture: Picture) -> Iterator[str]:
    """Yield what a waiver names and does not exist."""
    workloads = sorted(f"{key[0]}/{key[1]}" for key in record.workloads if key not in picture.store.workloads)
    if workloads:
        yield f"there is no workloads.berth.dev {listed(workloads)}"
    policies = sorted(set(record.spec.policies if record.spec else ()) - set(picture.store.policies))
    if policies:
        yield f"there is no IsolationPolicy {listed(policies)}"


def _changes(found: Difference, imagined: str, tenancy: Tenancy, picture: Picture) -> Iterator[str]:
    """Yield what a change comes to. `imagined` is what precedes it where it does not come by itself."""
    total = found.total
    moved = sum(total.flips.values())
    if not moved:
        yield f"{imagined}no Workload would be placed differently"
    else:
        flips = sorted(total.flips.items(), key=lambda each: (-each[1], each[0]))
        shown = ", ".join(f"{was or 'nowhere'} -> {then or 'nowhere'} {count}" for (was, then), count in flips[:_SHOWN])
        more = f" and {len(flips) - _SHOWN} more ways" if len(flips) > _SHOWN else ""
        yield f"{imagined}{counted(moved, 'Workload')} would be placed differently: {shown}{more}"
    if found.lost:
        text = f"{counted(len(found.lost), 'Workload')} would be left without a class: {_keys(found.lost)}"
        yield f"{imagined}{text}; what runs of them goes on below what is required, and nothing new starts"
    yield from _overquota(found, imagined, tenancy, picture)
    yield from _added(found, imagined)
    if found.staying:
        count, them = counted(len(found.staying), "Workload"), "it" if len(found.staying) == 1 else "them"
        yield f"{imagined}{count} would wait for approval, for a move would interrupt {them}: {_keys(found.staying)}"
    if found.closed:
        yield f"{imagined}{counted(found.closed, 'Workload')} would be closed off on the network"
    if found.relaxed:
        shown = ", ".join(f"{runs} -> {anew} {count}" for (runs, anew), count in found.relaxed.most_common(_SHOWN))
        count = counted(found.relaxed.total(), "Workload")
        yield f"{imagined}{count} would stay where less isolation would do: new ones would run elsewhere ({shown})"


def _overquota(found: Difference, imagined: str, tenancy: Tenancy, picture: Picture) -> Iterable[str]:
    texts = {
        name: text
        for name, toll in sorted(found.total.tolls.items(), key=lambda each: -each[1].added.memory)
        if (text := exceeded(name, toll.added, tenancy, picture.ledger)) is not None
    }
    for name, text in list(texts.items())[:_SHOWN]:
        yield f"{imagined}the quota of Tenant {name} would not hold: it {text}"
    if len(texts) > _SHOWN:
        yield f"{imagined}the quotas of {len(texts) - _SHOWN} more Tenants would not hold"


def _added(found: Difference, imagined: str) -> Iterable[str]:
    added = found.total.added
    more, less = Cost(max(0, added.cpu), max(0, added.memory)), Cost(max(0, -added.cpu), max(0, -added.memory))
    if less != Cost():
        yield f"{imagined}isolation would take {sized(less)} less than now"
    if more == Cost():
        return
    tolls = sorted(found.total.tolls.items(), key=lambda each: (-each[1].added.memory, -each[1].added.cpu, each[0]))
    dearest = [f"{name} ({sized(toll.added)})" for name, toll in tolls if toll.added.cpu > 0 or toll.added.memory > 0]
    yield f"{imagined}isolation would add {sized(more)}, most of it for {listed(dearest)}"


def _keys(keys: Iterable[Key]) -> str:
    return listed(f"{namespace}/{name}" for namespace, name in sorted(keys))
