"""What came of all vectors, as a table, and the page of the documentation."""

from collections import Counter
from collections.abc import Iterable, Iterator

from threats.load import titles, vectors
from threats.model import Answer, Layer, Vector

HEAD = ("Threat", "Title", "Vectors", "Refused by", "Precedents")
REFUSING = [layer for layer in Layer if layer is not Layer.ACCEPTED]
WIDTH = 62


def rows() -> Iterator[tuple[str, ...]]:
    """Yield the rows of the page: number, title, vectors, layers and precedents of every threat."""
    for number, title in sorted(titles().items()):
        of_it = [vector for vector in vectors() if vector.threat == number]
        named = sorted({name for vector in of_it for name in vector.precedent})
        yield f"T{number}", title, str(len(of_it)), _layers(vector.layer for vector in of_it), ", ".join(named)


def _layers(found: Iterable[Layer]) -> str:
    counted = Counter(found)
    return ", ".join(f"{layer} {counted[layer]}" for layer in REFUSING if counted[layer])


def table(answers: list[tuple[Vector, Answer]]) -> str:
    """Return what was tried of each threat and what refused it, and a last line with the numbers."""
    lines = [f"{'':4} {'threat':{WIDTH}} {'tried':>5}  refused by"]
    for number, title in sorted(titles().items()):
        layers = [answer.layer for vector, answer in answers if vector.threat == number]
        short = title if len(title) <= WIDTH else f"{title[: WIDTH - 3]}..."
        lines.append(f"T{number:<3} {short:{WIDTH}} {len(layers):>5}  {_layers(layers)}")
    accepted = sum(answer.layer is Layer.ACCEPTED for _, answer in answers)
    total = Counter(answer.layer for _, answer in answers)
    lines.append(f"{'all':4} {'':{WIDTH}} {len(answers):>5}  {_layers(total.elements())}")
    return "\n".join([*lines, f"threats: {len(answers)} tried, {accepted} accepted"])


def wrong(vector: Vector, answer: Answer) -> str:
    """Return what is wrong with an answer; nothing when the layer that must refuse a vector did, and said why."""
    if answer.layer is not vector.layer:
        return f"{vector.id} ({vector.title}): {vector.layer} must refuse it, but it was {answer.layer}: {answer.says}"
    expected = [vector.says] + ([f"rule {vector.child.rule}"] if vector.child and vector.child.rule else [])
    missing = [text for text in expected if text not in answer.says]
    return f"{vector.id} ({vector.title}): {missing} is not said: {answer.says}" if missing else ""
