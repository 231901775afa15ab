"""How properties are tried: on thousands of random examples from one seed that is told, so that each can be repeated.

An example is drawn from the seed, the name of the test and its own number alone: `BERTH_SEED=7 BERTH_EXAMPLE=123` tries
that one again, whatever else runs.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass, replace
from random import Random
from typing import Any, Final

import pydantic

SEED: Final = os.environ["BERTH_SEED"]
"""Seed of all examples; tests/conftest.py draws one for each run, unless one is given."""
ONLY: Final = os.environ.get("BERTH_EXAMPLE")
"""Number of the only example to try."""
EXAMPLES: Final = 10_000 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 300
"""Examples of every property: thousands for all tests, fewer for the quick loop."""
_BARREN: Final = 50
"""Examples that may be drawn for one that says anything."""
_STEPS: Final = 400
"""Simpler examples that are tried in search of the smallest that fails."""

Draw = Callable[[Random], Any]
Check = Callable[..., bool | int | None]
"""Raises for what does not hold; returns False for an example that says nothing of it, which then does not count."""


def for_all(*draws: Draw, of: int = EXAMPLES) -> Callable[[Check], Callable[..., None]]:
    """Return a decorator that makes a check of drawn values a test on `of` examples that say something."""

    def decorate(check: Check) -> Callable[..., None]:
        def test(record_property: Callable[[str, object], None]) -> None:
            with told(record_property) as counts:
                counts.append(_counted(check, draws, of))
            assert counts[0] >= of or ONLY is not None, f"only {counts[0]} of {of * _BARREN} examples say anything"

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return decorate


@contextmanager
def told(record_property: Callable[[str, object], None]) -> Iterator[list[int]]:
    """Give a list for the number of examples; it is told in the table, with the processor's seconds that they took."""
    counts: list[int] = []
    before = _processor_seconds()
    yield counts
    record_property("examples", sum(counts))
    record_property("seconds", _processor_seconds() - before)


def _processor_seconds() -> float:
    return sum(os.times()[:4])


def _counted(check: Check, draws: tuple[Draw, ...], of: int) -> int:
    """Return how many examples said something, at most `of`. Raises what the smallest example that fails raises."""
    counted = 0
    for number in range(of * _BARREN):
        counted += tried(check, number, draws) is not False
        if counted == of:
            break
    return counted


def tried(check: Check, number: int, draws: tuple[Draw, ...]) -> bool | int | None:
    """Return what a check returns for one example; raise what it raises for the smallest that fails as well."""
    if ONLY is not None and int(ONLY) != number:
        return False
    case, failed = drawn(check.__name__, number, draws), None
    try:
        return check(*case)
    except Exception as error:  # noqa: BLE001  whatever it is, it is to be told with its example
        failed = error
    raise told_of(check, case, failed, number) from None


def drawn(name: str, number: int, draws: tuple[Draw, ...]) -> tuple[Any, ...]:
    """Return an example by its number."""
    random = Random(f"{SEED}/{name}/{number}")
    return tuple(draw(random) for draw in draws)


def told_of(check: Check, case: tuple[Any, ...], error: Exception, number: int) -> Exception:
    """Return the error of the smallest example that fails, with that example and how to try it again."""
    smallest, last = shrunk(check, case, error)
    lines = "\n".join(f"  {brief(each)}" for each in smallest)
    last.add_note(
        f"the smallest example that fails:\n{lines}\n"
        f"try it again: BERTH_SEED={SEED} BERTH_EXAMPLE={number} pytest {_running()}"
    )
    return last


def _running() -> str:
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


def shrunk(check: Check, case: tuple[Any, ...], error: Exception) -> tuple[tuple[Any, ...], Exception]:
    """Return the smallest example that still fails, and its error."""
    steps = _STEPS
    found = True
    while found and steps:
        found = False
        for simpler in _simpler_cases(case):
            steps -= 1
            try:
                check(*simpler)
            except Exception as other:  # noqa: BLE001  it fails as well
                case, error, found = simpler, other, True
                break
            if not steps:
                break
    return case, error


def _simpler_cases(case: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for place, value in enumerate(case):
        if not is_dataclass(value) or isinstance(value, type):
            continue
        for simpler in simpler_values(value):
            yield (*case[:place], simpler, *case[place + 1 :])


def simpler_values(value: Any) -> Iterator[Any]:
    """Yield a value of a dataclass with one item less in one of its tuples, or one field of its parts as by default."""
    for field in fields(value):
        inner = getattr(value, field.name)
        if isinstance(inner, tuple) and inner:
            yield from (replace(value, **{field.name: (*inner[:n], *inner[n + 1 :])}) for n in range(len(inner)))
        elif is_dataclass(inner) and not isinstance(inner, type):
            yield from (replace(value, **{field.name: simpler}) for simpler in _plainer(inner))
        elif field.name in ("current", "namespace_labels") and inner:
            yield replace(value, **{field.name: None if field.name == "current" else ()})


def _plainer(value: Any) -> Iterator[Any]:
    for field in fields(value):
        if field.default is not MISSING and getattr(value, field.name) != field.default:
            yield replace(value, **{field.name: field.default})


def brief(value: Any) -> str:
    """Return a value for people: what is as by default is left out."""
    if isinstance(value, pydantic.BaseModel):
        return value.model_dump_json(by_alias=True, exclude_none=True)
    if isinstance(value, tuple | list):
        return f"({', '.join(map(brief, value))})"
    if not is_dataclass(value) or isinstance(value, type):
        return repr(value)
    told = [
        f"{field.name}={brief(getattr(value, field.name))}"
        for field in fields(value)
        if field.default is MISSING or getattr(value, field.name) != field.default
    ]
    return f"{type(value).__name__}({', '.join(told)})"
