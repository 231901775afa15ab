"""P17: the real API server with the CRDs' schemas and CEL rules agrees with what Python makes of the same objects.

What the server accepts, Python understands: it is read, prepared, asked for, rendered and verified without an error. What
Python refuses or calls a contradiction, the server refuses. And what the server refuses by a schema, Python refuses too,
but for what only the server knows: rules between fields, duplicates, formats, bounds of amounts and of named ports.

Conditions in `when` are left out: the server does not compile them, and Python says so on the policy.
"""

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path as File
from random import Random
from typing import Any

import orjson
import pytest

from api.objects import BY_NAME, SMALLEST, made, path, rules
from berth.api.reasons import Reason
from berth.api.workload import WorkloadSpec
from berth.decide.ask import ask_of
from berth.decide.facts import class_facts
from berth.decide.guest import Described
from berth.policy.compiled import compile_policy
from berth.policy.tenancy import compile_tenant
from berth.policy.waiving import refusal
from berth.render.model import Subject
from berth.verify.check import verify
from berth.verify.rules import Rule
from berth.world import parse
from decide.drawing import pick
from golden.images import own_images
from ground.api import ApiError, call
from properties.examples import EXAMPLES, ONLY, SEED, told
from properties.fields import Json, a_value, fields, spec_of, with_field
from properties.specs import CLASSES, UID, Scene, children_of
from properties.test_p05_capabilities import an_offer
from verify.bounds import bounds_of

pytestmark = pytest.mark.ground

DRY = "?dryRun=All&fieldValidation=Strict"
KINDS = (*["Workload"] * 3, *SMALLEST)
THREADS = 6
LONGEST = 1e12
ONLY_THE_SERVER = re.compile(
    r"Duplicate value|for an array of list-type map|of type date-time|the existing errors to complete validation"
)
"""What no model knows: sets and keyed lists, formats; and that rules were not asked because of other errors."""
CLUSTER = an_offer(Random(0)).cluster


@dataclass(frozen=True)
class Answer:
    """An object, and what the server says of it."""

    number: int
    kind: str
    spec: Json
    stored: Json | None
    """As the server would store it; None when it refuses."""
    causes: tuple[Json, ...] = ()


def a_case(random: Random) -> tuple[str, Json]:
    """Draw a kind and a spec of it: more or less full, with up to two fields changed, fitting or not."""
    kind = pick(random, KINDS)
    spec = SMALLEST[kind] if random.random() < 0.6 else a_value(random, spec_of(kind))
    for _ in range(random.randrange(4)):
        spec = with_field(random, kind, spec, pick(random, fields(kind)), fits=random.random() < 0.9)
    return kind, spec


def asked(kubeconfig: File, number: int) -> Answer:
    """Ask the server about a case, without keeping it."""
    kind, spec = a_case(Random(f"{SEED}/cel/{number}"))
    try:
        stored = call(kubeconfig, "POST", path(kind, "default") + DRY, made(kind, spec))
    except ApiError as error:
        if error.code != 422:
            raise
        return Answer(number, kind, spec, None, tuple(error.status["details"]["causes"]))
    return Answer(number, kind, spec, stored)


def refused(kind: str, raw: Json) -> str | None:
    """Return why Python does not understand an object, by the functions that read and prepare it."""
    match kind:
        case "Workload":
            return _workload(raw)
        case "IsolationClass":
            missing = class_facts(parse.isolation_class(raw), CLUSTER).unavailable
            return missing.message if missing is not None and missing.reason is Reason.MISCONFIGURED else None
        case "IsolationPolicy":
            policy = parse.isolation_policy(raw)
            compiled = compile_policy(policy)
            return policy.error or (compiled.error if compiled.when is None else None)
        case "Tenant":
            return compile_tenant(parse.tenant(raw)).error
        case _:
            return refusal(parse.waiver(raw), LONGEST)


def _workload(raw: Json) -> str | None:
    try:
        spec = WorkloadSpec.model_validate_json(orjson.dumps(raw["spec"]))
        ask_of(spec, lambda _: None, Described())
    except ValueError as error:
        return str(error)
    return None


def rendered(raw: Json) -> int:
    """Render a Workload for every class and verify what comes of it; return in how many classes there is something."""
    spec = WorkloadSpec.model_validate_json(orjson.dumps(raw["spec"]))
    subject = Subject("default", "web", UID, spec, "ns.default", clones=own_images(spec, "default"))
    found = 0
    for facts in CLASSES:
        children = children_of(Scene(subject, facts))
        bounds = bounds_of(subject, facts)
        violations = [each for child in children or () for each in verify(child.body, bounds)]
        # The schema bounds characters of an image only; that its path is one is asked when it is written.
        assert [str(each) for each in violations if each.rule is not Rule.IMAGES] == []
        found += children is not None
    return found


def only_the_server(answer: Answer) -> bool:
    """Return whether nothing that the server complains of is known to the models."""
    return all(_of_the_server(answer.kind, cause) for cause in answer.causes)


def _of_the_server(kind: str, cause: Json) -> bool:
    if ONLY_THE_SERVER.search(cause["message"]) or any(told in cause["message"] for told in _messages(kind)):
        return True
    return "x-kubernetes-int-or-string" in _node(kind, cause["field"])


@cache
def _messages(kind: str) -> frozenset[str]:
    """Return the messages of all rules of a kind."""
    return frozenset(message for message, _ in rules(BY_NAME[kind]))


def _node(kind: str, field: str) -> Json:
    """Return the schema of a field that the server names: `spec.machine.ports[0].port`."""
    node: Any = spec_of(kind)
    for step in re.sub(r"\[\d+\]", "", field).split(".")[1:]:
        node = node.get("items", node)
        node = node.get("properties", {}).get(step, {})
    found: Json = node.get("items", node)
    return found


def judged(answer: Answer, seen: Counter[str]) -> None:
    """Check that Python agrees with an answer of the server."""
    where = f"BERTH_SEED={SEED} BERTH_EXAMPLE={answer.number}: {answer.kind} {orjson.dumps(answer.spec).decode()}"
    if answer.stored is not None:
        why = refused(answer.kind, answer.stored)
        assert why is None, f"{where}: the server accepts it, Python does not: {why}"
        seen["accepted"] += 1
        if answer.kind == "Workload":
            seen["rendered"] += bool(rendered(answer.stored))
        return
    meta = {"name": "x", "uid": "x", "resourceVersion": "1", "creationTimestamp": "2026-03-01T10:00:00Z"}
    why = refused(answer.kind, {"metadata": meta, "spec": answer.spec})
    assert why or only_the_server(answer), f"{where}: Python accepts it, the server does not: {answer.causes}"
    seen["refused by both" if why else "refused by the server"] += 1


def test_p17_the_server_and_python_agree(kubeconfig: File, record_property: Callable[[str, object], None]) -> None:
    numbers = range(EXAMPLES) if ONLY is None else [int(ONLY)]
    seen: Counter[str] = Counter()
    with told(record_property) as counts, ThreadPoolExecutor(THREADS) as pool:
        for answer in pool.map(lambda number: asked(kubeconfig, number), numbers):
            judged(answer, seen)
            counts.append(1)
    print(dict(seen))
    assert ONLY or all(seen[what] > EXAMPLES / 30 for what in ("accepted", "rendered", "refused by both")), seen
    assert ONLY or seen["refused by the server"] > EXAMPLES / 30, seen
