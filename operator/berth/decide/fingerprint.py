"""Fingerprints of a decision, so that the same inputs can be decided again and give the same bytes."""

from functools import lru_cache
from hashlib import blake2b

import orjson

from berth.decide.model import ENGINE_VERSION, Ask, ClassFacts, Decision, Requirement


def hashes(ask: Ask, requirement: Requirement, catalog: tuple[ClassFacts, ...], current: str | None) -> dict[str, str]:
    """Return all fingerprints, named as in status.decision."""
    return {
        "inputsHash": inputs_hash(ask, catalog, current),
        "policyHash": policy_hash(requirement),
        "engineVersion": ENGINE_VERSION,
    }


def inputs_hash(ask: Ask, catalog: tuple[ClassFacts, ...], current: str | None) -> str:
    """Return the hash of what the workload asks, what the cluster offers, and where the workload runs."""
    return _hash([ask, catalog_hash(catalog), current])


@lru_cache(maxsize=8)
def catalog_hash(catalog: tuple[ClassFacts, ...]) -> str:
    """Return the hash of what the cluster offers; remembered, since thousands of workloads share one catalog."""
    return _hash(sorted(catalog, key=lambda facts: facts.name))


@lru_cache(maxsize=1024)
def policy_hash(requirement: Requirement) -> str:
    """Return the hash of the effective requirement; remembered, since many workloads share one."""
    return _hash(requirement)


def canonical(decision: Decision) -> bytes:
    """Return a decision as JSON that is equal byte for byte when the decision is equal."""
    return _json(decision)


def _hash(value: object) -> str:
    return blake2b(_json(value), digest_size=16).hexdigest()


def _json(value: object) -> bytes:
    return orjson.dumps(value, default=_sets, option=orjson.OPT_SORT_KEYS)


def _sets(value: object) -> list[str]:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} has no canonical form")
