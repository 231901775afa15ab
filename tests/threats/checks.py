"""Every check by its name: what is let through is proven to have no effect."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from types import ModuleType

from threats import checks_cluster, checks_supply, checks_text


def _of(module: ModuleType) -> dict[str, Callable[..., str]]:
    found = getmembers(module, isfunction)
    return {name: each for name, each in found if each.__module__ == module.__name__ and not name.startswith("_")}


CHECKS: dict[str, Callable[..., str]] = {**_of(checks_cluster), **_of(checks_supply), **_of(checks_text)}
"""Each takes the site and what the vector gives, returns what it saw, and fails where the attack has an effect."""
