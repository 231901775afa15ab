"""What the children of a Workload may be at most: from what was seen and what its spec names, not from rendering."""

from berth.api.levels import Backend, IsolationLevel
from berth.app.origins import clones_of
from berth.app.views import Look
from berth.decide.model import ClassFacts
from berth.decide.pod_nodes import vouched_handler
from berth.policy.denials import attachments, image_namespaces
from berth.render.model import Peers, Subject
from berth.verify.model import Bounds, Images, Named, Network, Runtime
from berth.verify.named import named_in
from berth.world.store import Store


def bounds_of(look: Look, facts: ClassFacts, store: Store) -> Bounds:
    """Return the bounds of a Workload in a class; the RuntimeClass is looked up anew at every call."""
    spec, requirement = look.spec, look.effective.requirement
    images = image_namespaces(look.policy_subject.tenants)
    name = facts.runtime_class_name
    seen = store.runtime_classes.get(name) if name else None
    return Bounds(
        namespace=look.workload.key[0],
        workload=look.workload.key[1],
        uid=look.workload.uid,
        tenant=look.rendered.tenant,
        class_name=facts.name,
        backend=facts.backend,
        level=facts.level,
        named=named_in(*look.workload.key, spec),
        runtime=_declared(facts, store),
        seen=Runtime(seen.name, seen.handler, seen.uid) if seen else None,
        user_namespaces=facts.user_namespaces,
        root=bool(spec.needs and spec.needs.root),
        launch_security=facts.launch_security,
        node_selector=facts.node_selector,
        tolerations=facts.tolerations,
        sharing=facts.sharing,
        images=tuple(Images(each.registries, each.digest, each.by) for each in requirement.images),
        service_account=spec.service_account_name,
        clones=frozenset(
            (clone.kind, (("name", clone.name), ("namespace", clone.namespace)))
            for _, clone in clones_of(look.workload.key, spec, store.data_sources, images)
        ),
        image_namespaces=images,
        storage_classes=requirement.storage_classes,
        priority_class=spec.priority_class_name,
        network=network_of(look.rendered.peers),
        attachments=attachments(look.policy_subject.tenants),
    )


def nothing_allowed(look: Look) -> Bounds:
    """Return the bounds of a Workload that has no place: whatever runs anything is out of them."""
    key = look.workload.key
    return Bounds(
        namespace=key[0],
        workload=key[1],
        uid=look.workload.uid,
        tenant=look.rendered.tenant,
        class_name="",
        backend=Backend.POD,
        level=IsolationLevel.CONFIDENTIAL,
        named=Named(),
    )


def network_of(peers: Peers | None) -> Network | None:
    """Return whom an isolated Workload may talk to; None for one that is not isolated."""
    if peers is None:
        return None
    return Network(
        namespaces=frozenset(peers.namespaces),
        clients=frozenset(peers.clients),
        callers=frozenset(peers.ingress),
        called=tuple((cidr, frozenset(ports)) for cidr, ports in peers.egress),
    )


def probe_bounds(subject: Subject, facts: ClassFacts, node: str, store: Store) -> Bounds:
    """Return the bounds of a probe of a class on one node: those of a Workload there, but for its owner."""
    seen = store.runtime_classes.get(facts.runtime_class_name) if facts.runtime_class_name else None
    return Bounds(
        namespace=subject.namespace,
        workload=subject.name,
        uid=subject.uid,
        tenant=subject.tenant,
        class_name=facts.name,
        backend=facts.backend,
        level=facts.level,
        named=named_in(subject.namespace, subject.name, subject.spec),
        runtime=_declared(facts, store),
        seen=Runtime(seen.name, seen.handler, seen.uid) if seen else None,
        user_namespaces=facts.user_namespaces,
        node_selector=facts.node_selector,
        tolerations=facts.tolerations,
        sharing=facts.sharing,
        probed=node,
    )


def _declared(facts: ClassFacts, store: Store) -> Runtime | None:
    """Return the RuntimeClass as the class vouches for it."""
    name, record = facts.runtime_class_name, store.classes.get(facts.name)
    vouched = (vouched_handler(record) if record else None) or facts.handler or ""
    return Runtime(name, vouched, facts.runtime_uid or "") if name else None
