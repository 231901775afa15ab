"""Which labels the answer of a PromQL expression has, and what in it cannot be: labels and metrics that are not there."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from functools import singledispatchmethod
from typing import Any

import promql_parser as promql

Labels = frozenset[str]

TARGET: Labels = frozenset({"job", "instance", "pod", "container", "endpoint", "service"})
"""What scraping adds to every series."""
KEEPING = {"topk", "bottomk", "limitk", "limit_ratio"}
COUNTER = ("_total", "_bucket", "_sum", "_count")
PAST = {"rate", "increase", "irate", "resets", "changes", "absent_over_time", "count_over_time"}
"""Functions of a counter that mind its resets, or ask only whether it is there."""


class Reading:
    """Reads one expression against the labels of the known metrics; `complaints` says what is wrong with it."""

    def __init__(self, metrics: Mapping[str, Collection[str]]) -> None:
        """Take the labels of each series by its name: a histogram's _bucket (with le), _sum and _count apart."""
        self._metrics = metrics
        self.complaints: list[str] = []

    @singledispatchmethod
    def labels(self, node: Any) -> Labels | None:
        """Return the labels of the answer; None for a number."""
        raise TypeError(f"unknown part of an expression: {type(node).__name__}")

    @labels.register(promql.NumberLiteral)
    @labels.register(promql.StringLiteral)
    def _literal(self, _node: Any) -> None:
        return None

    @labels.register(promql.ParenExpr)
    @labels.register(promql.UnaryExpr)
    @labels.register(promql.SubqueryExpr)
    def _inside(self, node: Any) -> Labels | None:
        return self.labels(node.expr)

    @labels.register
    def _range(self, node: promql.MatrixSelector) -> Labels | None:
        return self.labels(node.vector_selector)

    @labels.register
    def _selector(self, node: promql.VectorSelector) -> Labels:
        name = node.name or "without a name"
        if name not in self._metrics:
            self.complaints.append(f"no metric {name}")
            return TARGET
        known = TARGET | frozenset(self._metrics[name])
        self._there({each.name for each in node.matchers.matchers}, known, f"a matcher of {name}")
        return known

    @labels.register
    def _aggregate(self, node: promql.AggregateExpr) -> Labels:
        inner, op, by = self.labels(node.expr) or frozenset(), str(node.op), node.modifier
        if by is None:
            kept = inner if op in KEEPING else frozenset()
        else:
            named, is_by = frozenset(by.labels), by.type == promql.AggModifierType.By
            self._there(named, inner, f"{op} {'by' if is_by else 'without'}")
            kept = inner if op in KEEPING else named & inner if is_by else inner - named
        return kept | {node.param.val} if isinstance(node.param, promql.StringLiteral) else kept

    @labels.register
    def _call(self, node: promql.Call) -> Labels | None:
        name, given = node.func.name, [self.labels(each) for each in node.args]
        inner = next((each for each in given if each is not None), None)
        if name in {"time", "scalar", "pi"} or not node.args:
            return None
        if name == "vector":
            return frozenset()
        if name == "histogram_quantile":
            self._there({"le"}, inner or frozenset(), name)
            return (inner or frozenset()) - {"le"}
        if name in {"label_replace", "label_join"}:
            return (inner or frozenset()) | {node.args[1].val}
        return inner

    @labels.register
    def _binary(self, node: promql.BinaryExpr) -> Labels | None:
        left, right, op = self.labels(node.lhs), self.labels(node.rhs), str(node.op)
        if left is None or right is None:
            return right if left is None else left
        if op == "or":
            return left | right
        paired = self._paired(node, left, right)
        if op in {"and", "unless"}:
            return left
        extra = frozenset(node.modifier.group_labels or ()) if node.modifier else frozenset()
        card = str(node.modifier.card) if node.modifier else ""
        many, one = (right, left) if card.endswith("OneToMany") else (left, right)
        self._there(extra, one, f"group of {op}")
        return many | extra if card.endswith(("OneToMany", "ManyToOne")) else paired

    def _paired(self, node: promql.BinaryExpr, left: Labels, right: Labels) -> Labels:
        """Return the labels by which both sides find each other; without `on` and `ignoring` they must be the same."""
        op, matching = str(node.op), node.modifier.matching if node.modifier else None
        if matching is None:
            if left != right:
                self.complaints.append(
                    f"the sides of {op} differ in {', '.join(sorted(left ^ right))}: nothing is paired"
                )
            return left & right
        named = frozenset(matching.labels)
        if matching.type == promql.LabelModifierType.Include:
            self._there(named, left, f"on of {op}, left")
            self._there(named, right, f"on of {op}, right")
            return named
        return (left & right) - named

    def _there(self, named: Collection[str], known: Labels, where: str) -> None:
        if missing := sorted(set(named) - known):
            self.complaints.append(
                f"{where} names {', '.join(missing)}; there are: {', '.join(sorted(known)) or 'none'}"
            )


def parts(node: Any) -> Iterator[Any]:
    """Yield an expression and everything inside it."""
    yield node
    for key in ("expr", "lhs", "rhs", "vector_selector"):
        if (child := getattr(node, key, None)) is not None:
            yield from parts(child)
    for each in getattr(node, "args", ()):
        yield from parts(each)


def ranges(node: Any) -> Iterator[timedelta]:
    """Yield the ranges over which the expression's rates and increases go."""
    for each in parts(node):
        if isinstance(each, promql.Call) and each.func.name in {"rate", "increase"}:
            over = (arg for arg in each.args if isinstance(arg, promql.MatrixSelector | promql.SubqueryExpr))
            yield from (arg.range for arg in over if arg.range is not None)


def bare_counters(node: Any, inside: str = "") -> Iterator[str]:
    """Yield the counters whose value itself is used, which a restart sets back.

    `counter unless counter offset RANGE` asks what has begun since, and is none.
    """
    if isinstance(node, promql.VectorSelector):
        name = node.name or ""
        if name.endswith(COUNTER) and inside not in PAST:
            yield name
        return
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "unless" and _begun(node.lhs, node.rhs):
        return
    if isinstance(node, promql.Call):
        inside = node.func.name
    for key in ("expr", "lhs", "rhs", "vector_selector"):
        if (child := getattr(node, key, None)) is not None:
            yield from bare_counters(child, inside)
    for each in getattr(node, "args", ()):
        yield from bare_counters(each, inside)


def _begun(left: Any, right: Any) -> bool:
    selectors = isinstance(left, promql.VectorSelector) and isinstance(right, promql.VectorSelector)
    return bool(selectors and left.name == right.name and right.offset and not left.offset)
