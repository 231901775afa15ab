"""How long previews take, on one core: 2,000 Workloads that run, in 50 namespaces of 20 tenants, under 9 policies.

Run with `PYTHONPATH=operator:tests python -m bench.preview [COUNT]`; prints JSON, milliseconds of processor time. The API
server is left out.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from time import process_time

from app.pictures import Json, Pictured, erp, policy, raw, tenant, web

NAMESPACES, TENANTS, ROUNDS = 50, 20, 3
LEVELS = ("Container", "Sandboxed", "Virtualized")


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    pictured = the_cluster(count)
    first = _milliseconds(lambda: asyncio.run(_refreshed(pictured)))
    found = {name: _best(pictured, name, spec) for name, spec in the_policies().items()}
    found["a tenant"] = min(
        _milliseconds(lambda: pictured.ask("tenants", raw("t1", tenant("t1", floor="Virtualized"))))
        for _ in range(ROUNDS)
    )
    found["a workload"] = min(_milliseconds(lambda: pictured.shown(web(), "w1", "ns1")) for _ in range(ROUNDS))
    json.dump({"workloads": count, "looking at all": first, "milliseconds": found}, sys.stdout, indent=2)
    sys.stdout.write("\n")


def the_cluster(count: int) -> Pictured:
    """Return Workloads that run, every tenth a machine, all of other sizes."""
    made = Pictured()
    for n in range(TENANTS):
        made.tenant(f"t{n}", quota={"cpu": "400", "memory": "800Gi"})
    for n in range(NAMESPACES):
        made.namespace(f"ns{n}", tenant=f"t{n % TENANTS}", data="cardholder" if n % 2 else "none")
    for n in range(8):
        match = {"namespaceSelector": {"matchLabels": {"tenant": f"t{n}"}}}
        made.policy(f"p{n}", {"level": LEVELS[n % 3]}, mode=("Enforce", "Audit")[n % 2], match=match)
    made.policy("condition", {"level": "Sandboxed"}, when="workload.name.endsWith('7')", mode="Audit")
    for n in range(count):
        size = {"requests": {"cpu": f"{50 + n % 300}m", "memory": f"{64 + n % 700}Mi"}}
        spec = web(resources=size, replicas=1 + n % 4) if n % 10 else erp(resources=size)
        made.run(f"w{n}", spec, f"ns{n % NAMESPACES}")
    return made


def the_policies() -> dict[str, Json]:
    """Return policies by what they concern."""
    data = {"namespaceSelector": {"matchLabels": {"data": "cardholder"}}}
    return {
        "a policy for all": policy({"level": "Virtualized"}),
        "a policy for half": policy({"level": "Virtualized"}, match=data),
        "a policy for a tenant": policy({"level": "Virtualized"}, match={"tenants": ["t1"]}),
        "a policy that warns": policy({"level": "Virtualized"}, mode="Warn"),
        "a policy with a condition": policy({"level": "Virtualized"}, when="workload.spec.replicas > 1"),
        "a policy that nothing fits": policy({"level": "Confidential"}),
    }


def _best(pictured: Pictured, name: str, spec: Json) -> float:
    return min(_milliseconds(lambda: pictured.ask("isolationpolicies", raw(name, spec))) for _ in range(ROUNDS))


async def _refreshed(pictured: Pictured) -> None:
    while await pictured.picture.refresh(60.0):
        pass


def _milliseconds(call: Callable[[], object]) -> float:
    start = process_time()
    call()
    return round((process_time() - start) * 1000, 1)


if __name__ == "__main__":
    main()
