"""The values that planning gives: steps, and the answer to whether a running workload may move."""

from dataclasses import dataclass

from berth.api.reasons import Reason
from berth.decide.model import ClassFacts
from berth.render.model import Child
from berth.world.records import ChildRecord


@dataclass(frozen=True, slots=True)
class Apply:
    """Make a child say what is wanted."""

    child: Child
    uid: str | None
    """UID of the object to change; None creates it, and never touches one that exists."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a child, that very object."""

    record: ChildRecord
    reason: str


@dataclass(frozen=True, slots=True)
class Grow:
    """Let the claim of a disk ask for more, that very claim."""

    child: Child
    uid: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done about this until something happens."""

    reason: Reason
    message: str


Write = Apply | Delete | Grow
Step = Write | Wait


@dataclass(frozen=True, slots=True)
class Taken:
    """A name that a child needs belongs to an object that Berth does not own."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in order."""

    steps: tuple[Step, ...] = ()
    taken: tuple[Taken, ...] = ()

    @property
    def writes(self) -> tuple[Write, ...]:
        """Return the steps that change something."""
        return tuple(step for step in self.steps if not isinstance(step, Wait))

    @property
    def waits(self) -> tuple[Wait, ...]:
        """Return what is waited for."""
        return tuple(step for step in self.steps if isinstance(step, Wait))


@dataclass(frozen=True, slots=True)
class Pending:
    """A move that is due and waits: for a person, or for its turn."""

    from_class: str
    to_class: str
    message: str
    reason: Reason = Reason.AWAITING_APPROVAL


@dataclass(frozen=True, slots=True)
class Withheld:
    """Why a workload does not get what it asks for."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Move:
    """Where the workload is kept now, whatever was decided."""

    placed: ClassFacts | None
    """The class to render for; None when it runs nowhere."""
    frozen: bool = False
    """Whether what runs must be left as it is: it may not be started again where it is."""
    pending: Pending | None = None
    weaker: tuple[str, ...] = ()
    """Classes that run it now and do not meet what is required, or are gone."""
    withheld: Withheld | None = None
    """Why it may not start, grow or run on, whatever was decided."""
    stopped: bool = False
    """Whether what runs is to be stopped."""

    @property
    def held(self) -> bool:
        """Return whether it is kept where it runs, though that is not what was decided."""
        return self.frozen or self.pending is not None

    @property
    def below(self) -> bool:
        """Return whether any of it runs in a class that does not meet what is required."""
        return bool(self.weaker)
