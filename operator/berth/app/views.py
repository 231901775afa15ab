"""What a pass looks at: the store, and what is derived from it and kept until it changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final

from pydantic import ValidationError

from berth.api.levels import Backend, Trust
from berth.api.workload import WorkloadSpec
from berth.app.settings import Settings
from berth.decide.ask import ask_of
from berth.decide.facts import capable_nodes, class_facts, cluster_of
from berth.decide.fingerprint import catalog_hash
from berth.decide.model import Ask, ClassFacts
from berth.observe.model import Status
from berth.plan.move import backing, current_class
from berth.policy.compiled import CompiledPolicies, compile_policies
from berth.policy.effective import Defaults, Effective, Subject, effective
from berth.render.model import Subject as Rendered
from berth.world.packed import unpack
from berth.world.parse import problems
from berth.world.records import ChildRecord, Key, WorkloadRecord
from berth.world.store import Store

_MAX_LABEL: Final = 63


@dataclass(frozen=True, slots=True)
class Catalog:
    """All classes with what the cluster offers for them; `nodes` counts those that can run each class."""

    classes: tuple[ClassFacts, ...]
    digest: str
    nodes: Mapping[str, int]


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
    catalog: Catalog
    children: tuple[ChildRecord, ...]
    runs: tuple[ChildRecord, ...]
    current: str | None
    """Class that runs it now."""
    rendered: Rendered


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


def _alone(namespace: str) -> str:
    """Return the tenant label of a namespace that belongs to no tenant: one of its own, whatever its length."""
    label = f"ns.{namespace}"
    if len(label) <= _MAX_LABEL:
        return label
    return f"{label[:46]}-{blake2b(namespace.encode(), digest_size=8).hexdigest()}"


class Views:
    """Looks at the store. The catalog of classes and the compiled policies are kept between changes."""

    def __init__(self, store: Store, settings: Settings, kubevirt_present: Callable[[], bool]) -> None:
        self._store = store
        self._kubevirt_present = kubevirt_present
        self.defaults = Defaults(
            level=settings.default_level,
            trust_levels=(
                (Trust.RESTRICTED, settings.restricted_level),
                (Trust.UNTRUSTED, settings.untrusted_level),
            ),
            node_sharing=settings.default_node_sharing,
            allowed_service_accounts=settings.allowed_service_accounts,
        )
        self._catalog: tuple[tuple[int, bool], Catalog] | None = None
        self._policies: tuple[int, CompiledPolicies] | None = None

    def catalog(self) -> Catalog:
        """Return all classes with what the cluster offers for them."""
        present = self._kubevirt_present()
        revision = (self._store.facts_revision, present)
        if self._catalog is None or self._catalog[0] != revision:
            store = self._store
            kubevirt = next((found for _, found in sorted(store.kubevirts.items())), None)
            cluster = cluster_of(
                store.runtime_classes.values(), store.nodes.values(), kubevirt, kubevirt_present=present
            )
            facts = tuple(class_facts(record, cluster) for _, record in sorted(store.classes.items()))
            nodes = {name: capable_nodes(record, cluster) for name, record in store.classes.items()}
            self._catalog = (revision, Catalog(facts, catalog_hash(facts), nodes))
        return self._catalog[1]

    def policies(self) -> CompiledPolicies:
        """Return all policies, prepared for matching."""
        revision = self._store.policy_revision
        if self._policies is None or self._policies[0] != revision:
            self._policies = (revision, compile_policies(tuple(self._store.policies.values())))
        return self._policies[1]

    def look(self, key: Key) -> Look | Unreadable | None:
        """Return everything about one Workload; None when there is nothing to do for it.

        That is when it or its namespace is gone or going, or the namespace was not seen yet. A namespace is seen a
        moment after what is in it at the latest, and wakes it then. Placed without the labels of its namespace, a
        Workload would get the strictest class, and keep it.
        """
        store = self._store
        workload = store.workloads.get(key)
        home = store.namespaces.get(key[0])
        if workload is None or workload.deleting or home is None or home.terminating:
            return None
        try:
            spec = WorkloadSpec.model_validate_json(workload.spec)
        except ValidationError as error:
            return Unreadable(workload, problems(error))
        namespace, name = key
        ask = ask_of(spec, lambda claim: store.claims.get((namespace, claim)), store.instancetypes)
        subject = Subject(namespace, name, workload.labels, ask, workload.spec)
        status, children = unpack(workload.status), store.children(key)
        found = self.catalog()
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
            effective=effective(subject, home.labels, self.policies(), self.defaults),
            catalog=found,
            children=children,
            runs=runs,
            current=current_class(runs),
            rendered=Rendered(namespace, name, workload.uid, spec, _alone(namespace)),
        )
