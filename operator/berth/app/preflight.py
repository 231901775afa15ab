"""Dry runs: a machine is put to the API server before it is made or changed, once for all that are alike.

Nothing is stored of the answers: after a restart only what is to be written is asked about again. What runs as it is
rendered is not written, and asked about only when KubeVirt becomes another version.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from berth.api.meta import DESIRED_HASH_ANNOTATION
from berth.app.metrics.process import ACCEPTED, ERROR, REFUSED
from berth.app.views import Look
from berth.decide.engine import choose
from berth.decide.model import Ask, ClassFacts, MachineAsk, Refusal
from berth.kube import errors
from berth.kube.backoff import AFTER_REFUSAL
from berth.kube.gateway import Gateway
from berth.plan.model import Apply
from berth.plan.move import MACHINE_KINDS
from berth.render.children import render
from berth.render.model import Subject, Unrenderable
from berth.verify.model import Bounds
from berth.world.records import Key, KubeVirtRecord
from berth.world.store import Store

_REMEMBERED: Final = 10_000
"""Most acceptances that are kept; the oldest is forgotten first."""
_ANYBODY: Final = "w"
"""Name and UID that stand for those of any Workload."""


class Question(NamedTuple):
    """What the answer to a dry run depends on, where it is accepted.

    Quotas, limits and many policies are those of a namespace. A refusal may be about the name, too: it counts for one
    Workload only.
    """

    namespace: str
    class_name: str
    digest: str
    """Of the machine as it is rendered; of a new one under a name that stands for all."""
    machine: str
    """UID of the machine that would be changed; empty for a new one."""
    asks: MachineAsk | None
    """What the machine asks for, with its instancetype and preference as they are."""
    kubevirt: tuple[str, ...]
    """Versions."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A refusal, what it was answered to, and when to ask again."""

    refusal: Refusal
    digest: str
    ask: Ask
    """With the instancetype, the preference and the claims as they were."""
    annotations: int
    kubevirts: tuple[KubeVirtRecord, ...]
    due: float
    tries: int


@dataclass(slots=True)
class Preflight:
    """What is known of dry runs. `count` is told what came of each."""

    store: Store
    gateway: Gateway
    clock: Callable[[], float]
    count: Callable[[str], None]
    _accepted: dict[Question, None] = field(default_factory=dict)
    _refused: dict[Key, dict[str, _Refused]] = field(default_factory=dict)
    _proven: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    """KubeVirt's version that has taken a machine as it runs, or with which it was first seen to run."""
    _locks: WeakValueDictionary[Question, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def recall(self, look: Look) -> Look:
        """Return the look with what its machine is known to be refused with, but for a class to be asked about again.

        That is the one that would be taken if what is due had not been refused.
        """
        every = self._refused.get(look.workload.key)
        if not every:
            return look
        known = [each for each in every.values() if self._applies(each, look)]
        holds = look.refused(*(each.refusal for each in known if not self._due(each)))
        due = [each.refusal for each in known if self._due(each)]
        if not due:
            return holds
        chosen = choose(holds.ask, look.effective.requirement, look.catalog.classes, look.current)
        return holds.refused(*(each for each in due if chosen is None or each.class_name != chosen.facts.name))

    def again(self, look: Look) -> float | None:
        """Return the seconds after which a refusal is to be asked about again; None without one."""
        known = self._refused.get(look.workload.key, {})
        left = (known[each.class_name].due - self.clock() for each in look.ask.refusals)
        return min((seconds for seconds in left if seconds > 0), default=None)

    def forget(self, key: Key) -> None:
        """Drop what is known of a Workload that is gone."""
        self._refused.pop(key, None)
        self._proven.pop(key, None)

    def doubt(self, namespace: str) -> None:
        """Forget what was accepted in a namespace: a machine was refused there when it was to be stored."""
        self._accepted = {each: None for each in self._accepted if each.namespace != namespace}

    async def refusal(
        self, written: Apply | None, placed: ClassFacts | None, look: Look, bounds: Callable[[], Bounds]
    ) -> Refusal | None:
        """Return why the API server refuses a machine that is to be written, or that runs; None when it takes it.

        Raises ApiError where no answer came.
        """
        step = written or self._unproven(placed, look)
        if step is None or placed is None:
            return None
        question = self._question(step, placed, look, changes=written is not None)
        async with self._locks.setdefault(question, asyncio.Lock()):
            refusal = None if question in self._accepted else await self._ask(question, step, look, bounds)
        if refusal is None and question in self._accepted:
            self._proven[look.workload.key] = question.kubevirt
        return refusal

    async def _ask(self, question: Question, step: Apply, look: Look, bounds: Callable[[], Bounds]) -> Refusal | None:
        """Put a machine to the API server and remember the answer."""
        try:
            refusal = await self.gateway.preflight(step, question.class_name, look.workload, bounds)
        except errors.AlreadyExists:
            self.count(ERROR)
            return None  # nothing is made under a name that is taken: carrying out the plan tells whose it is
        except errors.ApiError:
            self.count(ERROR)
            raise
        self._remember(question, refusal, step, look)
        return refusal

    def _unproven(self, placed: ClassFacts | None, look: Look) -> Apply | None:
        """Return the machine that runs and stays where it is, where KubeVirt has not taken it in its version."""
        runs = look.runs
        if not runs or runs[-1].kind not in MACHINE_KINDS or placed is None or placed.name != look.current:
            return None
        versions = self._versions()
        refused = any(each.class_name == placed.name for each in look.ask.refusals)
        if refused or not versions or self._proven.setdefault(look.workload.key, versions) == versions:
            return None
        try:
            return Apply(render(look.rendered, placed)[-1], runs[-1].uid)
        except Unrenderable:
            return None

    def _question(self, step: Apply, facts: ClassFacts, look: Look, *, changes: bool) -> Question:
        """Return what to ask; a change is one of that machine alone, for what it was before matters, too."""
        of_one = changes and step.uid
        anybody = replace(look.rendered, name=_ANYBODY, uid=_ANYBODY)
        return Question(
            namespace=look.workload.key[0],
            class_name=facts.name,
            digest=_digest(step) if of_one else _rendered(anybody, facts),
            machine=of_one or "",
            asks=look.ask.machine,
            kubevirt=self._versions(),
        )

    def _versions(self) -> tuple[str, ...]:
        return tuple(each.version for each in self._kubevirts() if each.version)

    def _around(self, look: Look) -> tuple[Ask, int, tuple[KubeVirtRecord, ...]]:
        """Return what a refusal may hang on beside the machine; a changed annotation asks for another try."""
        return replace(look.ask, refusals=()), look.workload.annotations, self._kubevirts()

    def _kubevirts(self) -> tuple[KubeVirtRecord, ...]:
        return tuple(each for _, each in sorted(self.store.kubevirts.items()))

    def _remember(self, question: Question, refusal: Refusal | None, step: Apply, look: Look) -> None:
        self.count(REFUSED if refusal else ACCEPTED)
        known = self._refused.get(look.workload.key, {})
        before = known.pop(question.class_name, None)
        if refusal is None:
            self._accepted[question] = None
            if len(self._accepted) > _REMEMBERED:
                del self._accepted[next(iter(self._accepted))]
            return
        digest = _digest(step)
        tries = before.tries + 1 if before and before.digest == digest else 1
        due = self.clock() + AFTER_REFUSAL.delay(tries)
        known[question.class_name] = _Refused(refusal, digest, *self._around(look), due, tries)
        self._refused[look.workload.key] = known

    def _due(self, each: _Refused) -> bool:
        return each.due <= self.clock()

    def _applies(self, each: _Refused, look: Look) -> bool:
        """Return whether a refusal answers what would be asked now, and nothing that may heal it has changed."""
        facts = look.catalog.named(each.refusal.class_name)
        unchanged = (each.ask, each.annotations, each.kubevirts) == self._around(look)
        return unchanged and facts is not None and each.digest == _rendered(look.rendered, facts)


def _digest(step: Apply) -> str:
    return str(step.child.body["metadata"]["annotations"][DESIRED_HASH_ANNOTATION])


def _rendered(subject: Subject, facts: ClassFacts) -> str:
    """Return the digest of what backs a Workload in a class; empty where that cannot be."""
    try:
        return _digest(Apply(render(subject, facts)[-1], None))
    except Unrenderable:
        return ""
