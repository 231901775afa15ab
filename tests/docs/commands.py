"""The commands and queries of the pages: what stands in their ```sh and ```promql blocks."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_BLOCK: Final = re.compile(r"^( *)```(?P<language>sh|promql)\n(?P<text>.*?)^\1```$", re.MULTILINE | re.DOTALL)
_PLACEHOLDER: Final = re.compile(r"\b[A-Z]{3,}\b")


@dataclass(frozen=True)
class Line:
    """A command or a query, and where it stands."""

    place: str
    text: str

    def __str__(self) -> str:
        """Return where it stands, as the name of a test case."""
        return self.place

    def filled(self, values: dict[str, str]) -> str:
        """Return it with the words in capitals replaced, as its reader does."""
        return _PLACEHOLDER.sub(lambda found: values.get(found[0], found[0]), self.text)


def commands(page: Path) -> Iterator[Line]:
    """Yield the shell commands of a page; a line that ends with a backslash goes on."""
    for place, text in _blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.strip():
                yield Line(place, line.strip())


def queries(page: Path) -> Iterator[Line]:
    """Yield the PromQL queries of a page, one for each block."""
    for place, text in _blocks(page, "promql"):
        yield Line(place, " ".join(text.split()))


def _blocks(page: Path, language: str) -> Iterator[tuple[str, str]]:
    text = page.read_text()
    for block in _BLOCK.finditer(text):
        if block["language"] == language:
            yield f"{page.name}:{text.count(chr(10), 0, block.start('text')) + 1}", block["text"]


def programs(command: str) -> list[list[str]]:
    """Return the programs of a pipeline with their arguments. Raises ValueError for a quotation that does not end."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|")
    lexer.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in lexer:
        if word == "|":
            found.append([])
        else:
            found[-1].append(word)
    return found
