"""Golden cases: `in.yaml` says what is asked, `decision.yaml` where it goes and why, `children.yaml` what is rendered.

`in.yaml` holds a Workload, the IsolationClass it was placed in, and a Tenant where that matters; its first line says
what the case is about. `python -m golden.golden --update` rewrites the other two files.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import yaml

from berth.api.isolation_class import IsolationClassSpec
from berth.api.levels import NetworkMode
from berth.api.tenant import Network
from berth.api.workload import WorkloadSpec
from berth.app.origins import Clones, clones_of
from berth.decide.facts import Cluster, class_facts
from berth.decide.guest import guest_of
from berth.decide.model import ClassFacts
from berth.render.children import render
from berth.render.model import Object, Peers, Subject
from berth.render.network_policy import peers_of
from berth.world import parse
from berth.world.records import ClassRecord
from golden.decision import decided, described
from golden.images import own_images

CASES = Path(__file__).parent / "cases"
UID = "0b6c1c1e-0000-4000-8000-000000000001"
LINE_LENGTH = 120


class _Dumper(yaml.SafeDumper):
    """Writes every value where it stands, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is shared."""
        return True


def names() -> list[str]:
    """Return the names of all cases, sorted."""
    return sorted(path.parent.name for path in CASES.glob("*/in.yaml"))


def load(name: str) -> tuple[Subject, ClassFacts]:
    """Return what a case renders."""
    documents = {each["kind"]: each for each in yaml.safe_load_all((CASES / name / "in.yaml").read_text())}
    workload, tenant = documents["Workload"], documents.get("Tenant")
    meta = workload["metadata"]
    spec = WorkloadSpec.model_validate_json(orjson.dumps(workload["spec"]))
    subject = Subject(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=UID,
        spec=spec,
        tenant=tenant["metadata"]["name"] if tenant else f"ns.{meta['namespace']}",
        peers=_peers(tenant, meta["namespace"]),
        guest=guest_of(spec, spec.machine, described()) if spec.machine else None,
    )
    listed = ((tenant or {"spec": {}})["spec"].get("disks") or {}).get("imageNamespaces", [])
    subject = replace(subject, clones=_clones(subject, documents.get("DataSource"), frozenset(listed)))
    return subject, _facts(documents["IsolationClass"])


def _clones(subject: Subject, data_source: Object | None, allowed: frozenset[str]) -> Clones:
    if data_source is None:
        return own_images(subject.spec, subject.namespace)
    record = parse.data_source(data_source)
    return clones_of((subject.namespace, subject.name), subject.spec, {record.key: record}, allowed)


def _peers(tenant: Object | None, namespace: str) -> Peers | None:
    """Return the peers in a tenant of two namespaces; a tenant that says nothing of the network is left open here."""
    if tenant is None or "network" not in tenant["spec"]:
        return None
    network = Network.model_validate_json(orjson.dumps(tenant["spec"]["network"]))
    return None if network.mode is NetworkMode.OPEN else peers_of(network, (namespace, f"{namespace}-db"))


def _facts(document: Object) -> ClassFacts:
    spec = IsolationClassSpec.model_validate_json(orjson.dumps(document["spec"]))
    record = ClassRecord(document["metadata"]["name"], "", 1, spec, None, b"{}")
    return class_facts(record, Cluster(runtime_classes={}, nodes=(), kubevirt=None, kubevirt_present=False))


def rendered(name: str) -> list[Object]:
    """Return the bodies that a case renders now."""
    return [child.body for child in render(*load(name))]


def expected(name: str) -> str:
    """Return the text of the children that a case expects."""
    return (CASES / name / "children.yaml").read_text()


def children(name: str) -> list[Object]:
    """Return the children that a case expects."""
    return list(yaml.safe_load_all(expected(name)))


def text(bodies: list[Object]) -> str:
    """Return bodies as the text of a `children.yaml`."""
    return yaml.dump_all(bodies, Dumper=_Dumper, sort_keys=False, width=LINE_LENGTH, allow_unicode=True)


def decision(name: str) -> str:
    """Return the text of a `decision.yaml`: the class that is chosen, and why."""
    documents = list(yaml.safe_load_all((CASES / name / "in.yaml").read_text()))
    chosen, lines = decided(documents)
    body = {"class": chosen, "explanation": list(lines)}
    return yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=10**6, allow_unicode=True)


def stale(*, update: bool = False) -> list[str]:
    """Return the cases whose files are not what is decided and rendered now, and rewrite those when told to."""
    found = []
    for name in names():
        now = {"children.yaml": text(rendered(name)), "decision.yaml": decision(name)}
        for path in (CASES / name / file for file in now):
            if not path.exists() or path.read_text() != now[path.name]:
                found.append(f"{name}/{path.name}")
                if update:
                    path.write_text(now[path.name])
    return found


def main() -> int:
    """Check all cases, or rewrite them with `--update`; return 1 when one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite decision.yaml and children.yaml of every case")
    update = parser.parse_args().update
    changed = stale(update=update)
    for name in changed:
        sys.stdout.write(f"{'rewritten' if update else 'stale'}: {name}\n")
    return 0 if update else bool(changed)


if __name__ == "__main__":
    sys.exit(main())
