"""The tour as it is played: every ```sh block is run, and the ```console block after it is what it prints."""

import re
from collections.abc import Callable
from typing import Final

_PLAYED: Final = re.compile(
    r"^```sh\n(?P<script>.*?)^```$(?:\n\n^```console\n(?P<said>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_AGE: Final = re.compile(r"\b((\d+m)?\d+s|[2-9]m)\b")


def played(page: str, run: Callable[[str], str]) -> str:
    """Return a page with what its scripts print when they are run, in their order."""
    return _PLAYED.sub(lambda block: _told(block["script"], run(block["script"])), page)


def _told(script: str, said: str) -> str:
    answer = f"\n\n```console\n{said.rstrip()}\n```" if said.strip() else ""
    return f"```sh\n{script}```{answer}"


def lasting(text: str) -> list[str]:
    """Return the lines of a text without what is another at every time: ages, and the spaces of columns."""
    return [" ".join(_AGE.sub("AGE", line).split()) for line in text.splitlines()]
