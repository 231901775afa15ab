"""The pages as they are read: their links, their examples, and what they claim comes of these.

A ```yaml block with apiVersion is an example; a comment before it may say what comes of its Workloads by name:
`<!-- outcome: checkout container, vpn NoEligibleClass -->`. A ```text block after it holds lines that `berth explain`
prints of them, and a ```yaml block after `<!-- status: Tenant acme -->` a part of that object's status.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from docs.world import Object, documents_in

REPOSITORY: Final = Path(__file__).resolve().parents[2]
PAGES: Final = (
    REPOSITORY / "README.md",
    REPOSITORY / "CONTRIBUTING.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
)
KIND_PAGES: Final = tuple(page for page in PAGES if page.parent.name == "kinds")

_BLOCK: Final = re.compile(
    r"(?:^<!-- (?P<hint>outcome|status): (?P<said>[^\n]*) -->\n+)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_CODE: Final = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Example:
    """Manifests that belong together, and what the page claims comes of them."""

    place: str
    """Page and line."""
    documents: tuple[Object, ...]
    outcomes: dict[str, str]
    """Class or reason, by name of the Workload."""
    lines: list[str] = field(default_factory=list)
    """Lines that `berth explain` prints of them."""
    statuses: list[tuple[tuple[str, str], Object]] = field(default_factory=list)
    """Parts of statuses, by kind and name."""

    def __str__(self) -> str:
        """Return where it stands, as the name of a test case."""
        return self.place


def examples(page: Path) -> Iterator[Example]:
    """Yield the examples of a page. Raises ValueError for a block that claims something of no example."""
    text, found = page.read_text(), None
    for block in _BLOCK.finditer(text):
        place = f"{page.name}:{text.count(chr(10), 0, block.start('text'))}"
        if block["language"] == "yaml" and "apiVersion:" in block["text"]:
            if found is not None:
                yield found
            found = Example(place, tuple(documents_in(block["text"])), _outcomes(block))
        elif block["language"] in ("yaml", "text"):
            if found is None or (block["language"] == "yaml") is not (block["hint"] == "status"):
                raise ValueError(f"{place}: a block that is about no example")
            _claim(found, block)
    if found is not None:
        yield found


def _outcomes(block: re.Match[str]) -> dict[str, str]:
    if block["hint"] != "outcome":
        return {}
    return dict(each.split() for each in block["said"].split(", "))


def _claim(example: Example, block: re.Match[str]) -> None:
    if block["language"] == "text":
        example.lines.extend(plain(line) for line in block["text"].splitlines() if line.strip())
        return
    kind, name = block["said"].split()
    example.statuses.append(((kind, name), documents_in(block["text"])[0]))


def plain(line: str) -> str:
    """Return a line without the spaces that put words into columns."""
    return " ".join(line.split())


def holds(part: Any, whole: Any) -> bool:
    """Return whether a value is a part of another: fields may be left out, and items of lists."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and holds(value, whole[name]) for name, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return all(any(holds(each, other) for other in whole) for each in part)
    return bool(part == whole)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield file and anchor of every link of a page that stays within the repository."""
    for target in _LINK.findall(_CODE.sub("", page.read_text())):
        if "://" not in target:
            path, _, anchor = target.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> frozenset[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = _HEADING.findall(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)
