"""What a pass looks at: the store, and what is derived from it and kept until it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from berth.api.isolation_class import NodePool
from berth.api.levels import Backend, NetworkMode, Trust
from berth.api.reasons import ConditionType, Reason
from berth.api.tenant import Network
from berth.api.workload import WorkloadSpec
from berth.app.attachments import network_devices
from berth.app.concern import World
from berth.app.kept import OnHand, asked_beside, on_hand
from berth.app.origins import clones_of, origins_of
from berth.app.settings import Settings
from berth.app.tenancy import Tenancy, alone, pool_of, tenancy_of
from berth.decide.ask import ask_of, images_of, unsized_of
from berth.decide.facts import ALL_NODES, capable_nodes, catalog, cluster_of, kinds, unable_nodes
from berth.decide.fingerprint import catalog_hash
from berth.decide.guest import Described
from berth.decide.model import Ask, ClassFacts, Refusal
from berth.decide.whatif import Inputs
from berth.kube.resources import DATA_VOLUMES
from berth.observe.model import Status
from berth.plan.move import backing, current_class
from berth.policy.compiled import CompiledPolicies, CompiledPolicy, compile_policy
from berth.policy.denials import attachments, image_namespaces
from berth.policy.effective import Defaults, Effective, Subject, joined, matches
from berth.policy.pod_security import enforced_in
from berth.policy.tenancy import CompiledTenant
from berth.policy.waiving import Waived, in_force
from berth.render.model import Peers
from berth.render.model import Subject as Rendered
from berth.render.network_policy import peers_of
from berth.world.packed import unpack
from berth.world.parse import canonical, problems, seconds
from berth.world.records import ChildRecord, Key, NodeRecord, PolicyRecord, WorkloadRecord
from berth.world.store import Store

_BELOW: Final = frozenset({Reason.BELOW_REQUIRED, Reason.SWITCHING})
"""Reasons of Isolated with which it runs below what is required: a move that hangs does not lengthen the deadline."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All classes with what the cluster offers for them; `nodes` counts those that can run each class."""

    classes: tuple[ClassFacts, ...]
    digest: str
    nodes: Mapping[str, int]
    unable: Mapping[str, tuple[str, ...]]
    """Nodes that may be sent pods of a class and cannot run them."""
    kinds: Mapping[str, Mapping[str, tuple[NodeRecord, ...]]]
    """Nodes that run a class of pods, by kind."""

    def named(self, name: str | None) -> ClassFacts | None:
        """Return what is known of a class; None when there is none of that name."""
        return next((facts for facts in self.classes if facts.name == name), None)


@dataclass(frozen=True, slots=True)
class Look:
    """One Workload with everything that a pass needs to know, taken at one moment."""

    workload: WorkloadRecord
    status: Status
    """Status as last seen."""
    spec: WorkloadSpec
    ask: Ask
    policy_subject: Subject
    namespace_labels: tuple[tuple[str, str], ...]
    effective: Effective
    policies: CompiledPolicies
    matched: tuple[CompiledPolicy, ...]
    """Policies that match, in whatever mode."""
    catalog: Catalog
    children: tuple[ChildRecord, ...]
    runs: tuple[ChildRecord, ...]
    current: str | None
    """Class that runs it now."""
    rendered: Rendered
    disks: tuple[OnHand, ...] = ()
    """Those of its machine that are there already."""
    below_since: float | None = None
    """When it was first seen to run below what is required, by its own status; None when it was not."""
    waivers: tuple[Waived, ...] = ()
    """What spares it from policies that match now."""
    outdated: tuple[str, ...] = ()
    """Its instancetype and its preference where its machine keeps to what they were before an edit."""
    waivers_change: float | None = None
    """Seconds until one of them ends, or is to be warned about."""

    def refused(self, *refusals: Refusal) -> "Look":
        """Return the look with these answers to dry runs of its machine beside those that it has."""
        if not refusals:
            return self
        known = sorted((*self.ask.refusals, *refusals), key=lambda each: each.class_name)
        ask = replace(self.ask, refusals=tuple(known))
        return replace(self, ask=ask, policy_subject=replace(self.policy_subject, ask=ask))

    def inputs(self, defaults: Defaults) -> Inputs:
        """Return all that its decision depends on, to ask what would change it."""
        return Inputs(
            subject=self.policy_subject,
            namespace_labels=self.namespace_labels,
            policies=self.policies,
            defaults=defaults,
            catalog=self.catalog.classes,
            current=self.current,
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A Workload whose spec this version does not understand."""

    workload: WorkloadRecord
    error: str


def _runs_in(run: ChildRecord, status: Status, classes: tuple[ClassFacts, ...]) -> str:
    """Return the class that a backing object runs in: the one placed last if the object bears it out, else its label.

    A label alone may have been edited by others; a status alone is never believed.
    """
    placed = str((status.get("placement") or {}).get("className", ""))
    if placed == run.class_name:
        return placed
    facts = next((each for each in classes if each.name == placed), None)
    if facts is None or (facts.backend is Backend.POD) != (run.kind in {"Deployment", "Job"}):
        return run.class_name
    if facts.backend is Backend.VIRTUAL_MACHINE:
        return placed
    runtime = unpack(run.content)["spec"]["template"]["spec"].get("runtimeClassName")
    return placed if runtime == facts.runtime_class_name else run.class_name


def _below_since(status: Status) -> float | None:
    found = (each for each in status.get("conditions", ()) if each["type"] == ConditionType.ISOLATED)
    isolated = next(found, None)
    return seconds(isolated["lastTransitionTime"]) if isolated and isolated["reason"] in _BELOW else None


def spared(waivers: tuple[Waived, ...], holds: Effective) -> tuple[Waived, ...]:
    """Return the waivers that spare from a policy that matches, each with those policies alone."""
    by_waiver: dict[str, set[str]] = {}
    for policy, waiver in holds.waived:
        by_waiver.setdefault(waiver, set()).add(policy)
    return tuple(replace(each, policies=frozenset(by_waiver[each.name])) for each in waivers if each.name in by_waiver)


def described_to(workload: WorkloadRecord, children: tuple[ChildRecord, ...], store: Store) -> Described:
    """Return the instancetypes and preferences that count for a Workload: KubeVirt keeps those of its machine.

    They count until the machine names others. Members of a pool come and go, each with what there is then.
    """
    namespace = workload.key[0]
    refs = [each for child in children if child.owner_uid == workload.uid for each in child.revisions]
    found = {(each.kind, each.name): store.revisions.get((namespace, each.revision)) for each in refs}
    kept = {place: record for place, record in found.items() if record is not None}
    return Described(namespace, store.instancetypes, store.preferences, kept)


def _outdated(spec: WorkloadSpec, described: Described) -> tuple[str, ...]:
    """Return what a machine names and keeps as it was, where by now it is something else."""
    if spec.machine is None or not described.kept:
        return ()
    now = replace(described, kept={})
    named = (
        (spec.machine.instancetype, described.instancetype(spec.machine), now.instancetype(spec.machine)),
        (spec.machine.preference, described.preference(spec.machine), now.preference(spec.machine)),
    )
    kinds = ("instancetype", "preference")
    return tuple(f"{kind} {name}" for kind, (name, kept, is_) in zip(kinds, named, strict=True) if is_ and kept != is_)


class Views:
    """Looks at the store. What is derived from it is kept between changes: classes, policies, tenants."""

    def __init__(
        self, store: Store, settings: Settings, kubevirt_present: Callable[[], bool], clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._kubevirt_present = kubevirt_present
        self._clock = clock
        self.longest_waiver = settings.waiver_max_seconds
        self.waiver_warning = settings.waiver_warning_seconds
        self.defaults = Defaults(
            level=settings.default_level,
            trust_levels=(
                (Trust.RESTRICTED, settings.restricted_level),
                (Trust.UNTRUSTED, settings.untrusted_level),
            ),
            node_sharing=settings.default_node_sharing,
            allowed_service_accounts=settings.allowed_service_accounts,
        )
        self._catalogs: tuple[tuple[int, bool], dict[bytes, Catalog]] | None = None
        self._policies: tuple[int, CompiledPolicies] | None = None
        self._tenancy: tuple[int, Tenancy] | None = None
        self._compiled: dict[str, tuple[object, CompiledPolicy]] = {}

    def catalog(self, pool: NodePool = ALL_NODES) -> Catalog:
        """Return all classes with what the cluster offers for them on the nodes of a tenant."""
        revision = (self._store.facts_revision, self._kubevirt_present())
        if self._catalogs is None or self._catalogs[0] != revision:
            self._catalogs = (revision, {})
        known, asked = self._catalogs[1], canonical(pool.model_dump(mode="json")) if pool is not ALL_NODES else b""
        if asked not in known:
            known[asked] = self._offered(pool, kubevirt_present=revision[1])
        return known[asked]

    def _offered(self, pool: NodePool, *, kubevirt_present: bool) -> Catalog:
        store = self._store
        kubevirt = next((found for _, found in sorted(store.kubevirts.items())), None)
        cluster = cluster_of(
            store.runtime_classes.values(), store.nodes.values(), kubevirt, kubevirt_present=kubevirt_present
        )
        facts = catalog(store.classes.values(), cluster, pool)
        if pool is not ALL_NODES:  # nodes of classes are counted once, whoever asks
            return replace(self.catalog(), classes=facts, digest=catalog_hash(facts))
        nodes = {name: capable_nodes(record, cluster) for name, record in store.classes.items()}
        unable = {name: unable_nodes(record, cluster) for name, record in store.classes.items()}
        found = {name: kinds(record, cluster) for name, record in store.classes.items()}
        return Catalog(facts, catalog_hash(facts), nodes, unable, found)

    def policies(self) -> CompiledPolicies:
        """Return all policies, prepared for matching. One that has not changed stays the same object."""
        revision = self._store.policy_revision
        if self._policies is None or self._policies[0] != revision:
            records = sorted(self._store.policies.items())
            self._compiled = {name: self._compile(name, record) for name, record in records}
            self._policies = (revision, CompiledPolicies(tuple(each for _, each in self._compiled.values())))
        return self._policies[1]

    def _compile(self, name: str, record: PolicyRecord) -> tuple[object, CompiledPolicy]:
        made_of = (record.spec, record.error, record.match)
        known = self._compiled.get(name)
        return known if known is not None and known[0] == made_of else (made_of, compile_policy(record))

    def tenancy(self) -> Tenancy:
        """Return which tenants there are, and which namespaces belong to them."""
        revision = self._store.tenancy_revision
        if self._tenancy is None or self._tenancy[0] != revision:
            before = self._tenancy[1] if self._tenancy else Tenancy()
            self._tenancy = (revision, tenancy_of(self._store.tenants, self._store.namespaces, before))
        return self._tenancy[1]

    def world(self) -> World:
        """Return what decisions depend on beside the Workload itself."""
        tenancy = self.tenancy()
        offered = (self.catalog().digest, *(self.catalog(pool_of((each,))).digest for each in tenancy.tenants))
        return World(offered, dict(self._store.instancetypes), dict(self._store.preferences), self.policies(), tenancy)

    def look(self, key: Key) -> Look | Unreadable | None:
        """Return everything about one Workload; None when there is nothing to do for it.

        That is when it or its namespace is gone or going, or the namespace was not seen yet. A namespace is seen a
        moment after what is in it at the latest, and wakes it then. Placed without the labels of its namespace, a
        Workload would get the strictest class, and keep it.
        """
        workload = self._store.workloads.get(key)
        return None if workload is None else self.look_at(workload)

    def look_at(self, workload: WorkloadRecord) -> Look | Unreadable | None:
        """Return the same about a Workload as somebody shows it, whether or not it is stored so."""
        store, key = self._store, workload.key
        home = store.namespaces.get(key[0])
        if workload.deleting or home is None or home.terminating:
            return None
        try:
            spec = WorkloadSpec.model_validate_json(workload.spec)
        except ValidationError as error:
            return Unreadable(workload, problems(error))
        namespace, name = key
        tenants = self.tenancy().of(namespace)
        children, images = store.children(key), image_namespaces(tenants)
        made = frozenset(child.key[1] for child in children if child.kind == DATA_VOLUMES.kind)
        described = described_to(workload, children, store)
        ask = ask_of(spec, lambda claim: store.claims.get((namespace, claim)), described)
        disks = on_hand(workload, spec, store)
        devices = network_devices(namespace, spec, store.attachments, attachments(tenants))
        ask = replace(ask, origins=origins_of(key, spec, store, made, images), network_devices=devices)
        if ask.root or ask.machine:
            ask = replace(ask, pod_security=enforced_in(namespace, home.labels))
        ask = asked_beside(ask, disks)
        now = self._clock()
        waivers = in_force(store.waiving(key), key, self.longest_waiver, now)
        subject = Subject(
            namespace, name, workload.labels, ask, workload.spec, tenants, images_of(spec), unsized_of(spec), waivers
        )
        matched, failed = matches(subject, home.labels, self.policies())
        holds = replace(joined(subject, self.defaults, matched), errors=failed)
        status = unpack(workload.status)
        found = self.catalog(pool_of(tenants))
        runs = backing(children, workload.uid)
        if runs:
            runs = (*runs[:-1], replace(runs[-1], class_name=_runs_in(runs[-1], status, found.classes)))
        return Look(
            workload=workload,
            status=status,
            spec=spec,
            ask=ask,
            policy_subject=subject,
            namespace_labels=home.labels,
            effective=holds,
            policies=self.policies(),
            matched=matched,
            catalog=found,
            children=children,
            runs=runs,
            current=current_class(runs),
            below_since=_below_since(status),
            waivers=spared(waivers, holds),
            outdated=_outdated(spec, described),
            waivers_change=self._change(waivers, now),
            disks=disks,
            rendered=Rendered(
                namespace,
                name,
                workload.uid,
                spec,
                tenants[0].name if len(tenants) == 1 else alone(namespace),
                self._peers(namespace, tenants) if holds.requirement.network is NetworkMode.ISOLATED else None,
                ask.machine.guest if ask.machine else None,
                clones_of(key, spec, store.data_sources, images),
                made,
            ),
        )

    def _change(self, waivers: tuple[Waived, ...], now: float) -> float | None:
        times = (time for each in waivers for time in (each.expires, each.expires - self.waiver_warning))
        return min((time - now for time in times if time > now), default=None)

    def overtaken(self, look: Look) -> bool:
        """Return whether policies, the tenants of its namespace or the namespace's labels are others than at a look."""
        home = self._store.namespaces.get(look.workload.key[0])
        return (
            self.policies() is not look.policies
            or home is None
            or home.labels != look.namespace_labels
            or self.tenancy().of(home.name) != look.policy_subject.tenants
        )

    def _peers(self, namespace: str, tenants: tuple[CompiledTenant, ...]) -> Peers:
        """Return whom an isolated Workload may talk to; in no tenant, or in several, only its own namespace."""
        if len(tenants) != 1:
            return peers_of(Network(), (namespace,))
        return peers_of(tenants[0].network, self.tenancy().members[tenants[0].name])
