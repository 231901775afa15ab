"""Faults where they happen: a rule that breaks."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from berth.decide import engine
from berth.decide.rules import CLASS_RULES, RULES, WORKLOAD_RULES, everybody

NAMES = tuple(rule.__name__ for rule in RULES)


@contextmanager
def breaking(name: str, error: Exception) -> Iterator[None]:
    """Let one rule raise whatever it is put to; nothing of it is remembered afterwards."""

    def broken(*_: object) -> None:
        raise error

    broken.__name__ = name
    with pytest.MonkeyPatch.context() as patch:
        classes = tuple(broken if rule.__name__ == name else rule for rule in CLASS_RULES)
        workloads = {
            broken if rule.__name__ == name else rule: everybody if rule.__name__ == name else concerns
            for rule, concerns in WORKLOAD_RULES.items()
        }
        patch.setattr(engine, "CLASS_RULES", classes)
        patch.setattr(engine, "WORKLOAD_RULES", workloads)
        engine._under.cache_clear()
        yield
    engine._under.cache_clear()
