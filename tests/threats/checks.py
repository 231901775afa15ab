"""Every check by its name: what is let through is proven to have no effect."""

from collections.abc import Callable
from inspect import getmembers, isfunction
from types import ModuleType

from threats import checks_limits, checks_metadata, checks_operator, checks_supply, checks_text


def _of(module: ModuleType) -> dict[str, Callable[..., str]]:
    found = getmembers(module, isfunction)
    return {name: each for name, each in found if each.__module__ == module.__name__ and not name.startswith("_")}


MODULES = (checks_limits, checks_metadata, checks_operator, checks_supply, checks_text)
CHECKS: dict[str, Callable[..., str]] = {name: check for module in MODULES for name, check in _of(module).items()}
"""Each takes the site and what the vector gives, returns what it saw, and fails where the attack has an effect."""
