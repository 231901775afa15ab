"""Who gets how much of a quota: never more than there is, in order, and nobody for ever in vain."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from berth.api.reasons import Reason
from berth.api.tenant import Quota
from berth.policy.ledger import Ledger, Limits
from berth.policy.quota import Charge, Part, limits_of
from berth.world.records import Key

GI = 1 << 30
PATIENCE = 100.0


def key(name: str) -> Key:
    """Return a key in a namespace of the tenant."""
    return ("shop", name)


def wants(name: str, memory: int = 0, *, since: float = 0.0, overhead: int = 0, **more: int) -> Charge:
    """Return what a workload asks for, memory in Gi."""
    parts = {"memory": Part(memory * GI, overhead * GI), "workloads": Part(1)} | {
        each: Part(count) for each, count in more.items()
    }
    return Charge(key(name), since, {each: part for each, part in parts.items() if part != Part()})


def tenant(**limits: int) -> tuple[Limits, ...]:
    """Return the limits of Tenant acme, memory in Gi."""
    return (
        Limits(
            "acme", {name: limit * GI if name == "memory" else limit for name, limit in limits.items()}, ("shop", "db")
        ),
    )


def test_a_quota_is_read_in_base_units() -> None:
    quota = Quota.model_validate_json(
        '{"cpu": "1500m", "memory": "2Gi", "storage": 5, "workloads": 3, "virtualMachines": 0,'
        ' "classes": [{"className": "kata", "memory": "1Gi"}, {"className": "vm", "workloads": 2}]}'
    )
    assert limits_of(quota) == {
        "cpu": 1500,
        "memory": 2 * GI,
        "storage": 5,
        "workloads": 3,
        "virtualMachines": 0,
        "class/kata/memory": GI,
        "class/vm/workloads": 2,
    }
    assert limits_of(None) == {}


def test_what_fits_is_granted_and_counted_at_once() -> None:
    ledger = Ledger(PATIENCE)
    assert ledger.ask(wants("a", 3), tenant(memory=4), 0.0) is None
    refusal = ledger.ask(wants("b", 2), tenant(memory=4), 0.0)
    assert refusal is not None
    assert refusal.reason is Reason.WAITING_FOR_QUOTA
    assert ledger.used(["shop"])["memory"] == Part(3 * GI)


def test_what_can_never_fit_is_refused_for_good_with_the_numbers_and_the_fix() -> None:
    refusal = Ledger(PATIENCE).ask(wants("a", 4, overhead=1), tenant(memory=4), 0.0)
    assert refusal is not None
    assert refusal.reason is Reason.EXCEEDS_QUOTA
    assert refusal.message == (
        "needs 5Gi memory (overhead 1Gi), but Tenant acme may have 4Gi: lower memory by 1Gi, or ask for more quota"
    )


def test_what_does_not_fit_now_says_what_is_used_what_it_needs_and_by_how_much_to_lower_it() -> None:
    ledger = Ledger(PATIENCE)
    ledger.ask(wants("a", 3), tenant(memory=4), 0.0)
    refusal = ledger.ask(wants("b", 2), tenant(memory=4), 0.0)
    assert refusal is not None
    assert refusal.message == (
        "Tenant acme uses 3Gi of 4Gi memory, and this needs 2Gi: lower memory by 1Gi, wait until something"
        " goes, or ask for more quota"
    )


@pytest.mark.parametrize(
    ("limits", "asked", "says"),
    [
        ({"workloads": 0}, {"memory": 1}, "delete another Workload"),
        ({"virtualMachines": 1}, {"virtualMachines": 3}, "lower replicas by 2"),
        ({"class/kata/memory": GI}, {"class/kata/memory": 2 * GI}, "in class kata: lower memory by 1Gi"),
        ({"cpu": 500}, {"cpu": 1500}, "needs 1500m cpu, but Tenant acme may have 500m: lower cpu by 1"),
    ],
)
def test_every_kind_of_limit_has_its_fix(limits: dict[str, int], asked: dict[str, int], says: str) -> None:
    refusal = Ledger(PATIENCE).ask(wants("a", **asked), (Limits("acme", limits, ("shop",)),), 0.0)
    assert refusal is not None
    assert says in refusal.message


def test_a_move_reserves_both_sides() -> None:
    ledger = Ledger(PATIENCE)
    moving = Charge(key("a"), 0.0, {"memory": Part(2 * GI, 0, 2 * GI)})
    assert ledger.ask(moving, tenant(memory=4), 0.0) is None
    refusal = ledger.ask(wants("b", 1), tenant(memory=4), 0.0)
    assert refusal is not None
    refusal = Ledger(PATIENCE).ask(moving, tenant(memory=3), 0.0)
    assert refusal is not None
    assert "(2Gi reserved for a move)" in refusal.message


def test_room_is_given_in_the_order_of_creation_whoever_asks_first() -> None:
    ledger, limits = Ledger(0.0), tenant(memory=4)
    ledger.ask(wants("running", 4), limits, 0.0)
    for name, since in (("late", 20.0), ("early", 10.0)):
        assert ledger.ask(wants(name, 3, since=since), limits, 30.0) is not None
    ledger.release(key("running"))
    assert ledger.servable(limits[0]) == (key("early"),)
    refusal = ledger.ask(wants("late", 3, since=20.0), limits, 40.0)
    assert refusal is not None
    assert "waits behind workloads.berth.dev shop/early, which came first" in refusal.message
    assert ledger.ask(wants("early", 3, since=10.0), limits, 40.0) is None


def test_a_small_one_passes_a_large_one_only_within_its_patience() -> None:
    ledger, limits = Ledger(PATIENCE), tenant(memory=4)
    ledger.ask(wants("running", 2), limits, 0.0)
    ledger.ask(wants("large", 4, since=10.0), limits, 10.0)
    assert ledger.ask(wants("soon", 1, since=10.0 + PATIENCE), limits, 200.0) is None
    assert ledger.ask(wants("later", 1, since=11.0 + PATIENCE), limits, 200.0) is not None


def test_whoever_takes_nothing_from_those_ahead_need_not_wait_for_them() -> None:
    ledger, limits = Ledger(0.0), tenant(memory=10, virtualMachines=1)
    ledger.ask(wants("vm", 1, virtualMachines=1), limits, 0.0)
    assert ledger.ask(wants("another", 1, since=1.0, virtualMachines=1), limits, 1.0) is not None
    assert ledger.ask(wants("pods", 1, since=9.0), limits, 9.0) is None
    assert ledger.ask(wants("too many", 8, since=9.0), limits, 9.0) is not None


def test_growing_waits_like_anybody_else_and_keeps_what_it_has() -> None:
    ledger, limits = Ledger(0.0), tenant(memory=4)
    ledger.ask(wants("old", 2), limits, 0.0)
    ledger.ask(wants("other", 1), limits, 0.0)
    assert ledger.ask(wants("new", 2, since=50.0), limits, 50.0) is not None
    assert ledger.ask(wants("old", 3), limits, 60.0) is not None, "it would pass one that waits since before"
    assert ledger.held(key("old")) == wants("old", 2)
    assert ledger.ask(wants("old", 1), limits, 70.0) is None, "what shrinks is always granted"
    assert ledger.servable(limits[0]) == (key("new"),)


def test_a_lowered_limit_takes_nothing_away() -> None:
    ledger = Ledger(PATIENCE)
    ledger.ask(wants("a", 3), tenant(memory=4), 0.0)
    assert ledger.ask(wants("a", 3), tenant(memory=2), 1.0) is None
    assert ledger.ask(wants("a", 2), tenant(memory=2), 1.0) is None


def test_a_namespace_of_two_tenants_counts_for_both() -> None:
    ledger = Ledger(PATIENCE)
    both = (*tenant(memory=4), Limits("evil", {"memory": GI}, ("shop",)))
    assert ledger.ask(wants("a", 1), both, 0.0) is None
    refusal = ledger.ask(wants("b", 1), both, 0.0)
    assert refusal is not None
    assert "Tenant evil" in refusal.message


def test_what_a_namespace_holds_goes_with_it_from_tenant_to_tenant() -> None:
    ledger = Ledger(PATIENCE)
    ledger.ask(wants("a", 3), tenant(memory=4), 0.0)
    elsewhere = (Limits("acme", {"memory": 4 * GI}, ("db",)),)
    assert ledger.used(elsewhere[0].namespaces) == {}
    assert ledger.ask(Charge(("db", "b"), 0.0, {"memory": Part(4 * GI)}), elsewhere, 0.0) is None


def test_after_a_restart_nothing_new_is_granted_before_all_were_looked_at() -> None:
    ledger, limits = Ledger(PATIENCE), tenant(memory=4)
    ledger.start([wants("running", 2)], [key("running"), key("new"), key("older")])
    refusal = ledger.ask(wants("new", 2, since=9.0), limits, 20.0)
    assert refusal is not None
    assert refusal.reason is Reason.NOT_DECIDED
    assert ledger.ask(wants("running", 2), limits, 20.0) is None, "what runs is not asked to wait"
    assert [ledger.seen(key(name)) for name in ("new", "running", "new")] == [False, False, False]
    assert ledger.seen(key("older"))
    assert ledger.ask(wants("new", 2, since=9.0), limits, 20.0) is None


sizes = st.integers(0, 6)
names = st.sampled_from("abcdefgh")
LIMITS = tenant(memory=8, workloads=5, virtualMachines=3)


class AnyOrder(RuleBasedStateMachine):
    """Create, resize, delete and crash in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(3.0)
        self.now = 0.0
        self.wanted: dict[str, Charge] = {}

    def _look(self, name: str) -> None:
        self.ledger.ask(self.wanted[name], LIMITS, self.now)
        self.ledger.seen(key(name))

    def _serve(self) -> None:
        """Do what the operator does whenever something changed: look at those that can be served."""
        while served := self.ledger.servable(LIMITS[0]):
            for each in served:
                assert self.ledger.ask(self.wanted[each[1]], LIMITS, self.now) is None, "who is servable is served"

    @rule(name=names, memory=sizes, machines=st.integers(0, 3))
    def write(self, name: str, memory: int, machines: int) -> None:
        """Create a workload, or give it another size."""
        self.now += 1.0
        since = self.wanted[name].since if name in self.wanted else self.now
        self.wanted[name] = wants(name, memory, since=since, virtualMachines=machines)
        self._look(name)
        self._serve()

    @rule(name=names)
    def delete(self, name: str) -> None:
        """Delete a workload."""
        self.now += 1.0
        self.wanted.pop(name, None)
        self.ledger.release(key(name))
        self._serve()

    @rule(order=st.permutations("abcdefgh"))
    def crash(self, order: list[str]) -> None:
        """Start again from what runs, and look at everything in some order."""
        running = [held for name in self.wanted if (held := self.ledger.held(key(name))) is not None]
        self.ledger.start(running, [key(name) for name in self.wanted])
        for name in order:
            if name in self.wanted:
                self._look(name)
        for name in sorted(self.wanted, key=lambda name: self.wanted[name].place):
            self._look(name)
        self._serve()

    @invariant()
    def never_over_the_limit(self) -> None:
        """Whatever happened: no more is held than there may be, and the sums are right."""
        used = self.ledger.used(LIMITS[0].namespaces)
        for name, limit in LIMITS[0].limits.items():
            held = [charge for each in "abcdefgh" if (charge := self.ledger.held(key(each))) is not None]
            assert used.get(name, Part()).total == sum(charge.total(name) for charge in held) <= limit

    @invariant()
    def whoever_came_first_gets_what_fits(self) -> None:
        """The first of those that wait does not fit now: nothing is kept from him that is free."""
        queue = self.ledger.waiting(LIMITS[0].namespaces)
        if queue:
            assert self.ledger.ask(queue[0], LIMITS, self.now) is not None

    @invariant()
    def nobody_is_forgotten(self) -> None:
        """Who may have more than he has waits in the queue, or was told that it never fits."""
        waiting = {charge.key[1] for charge in self.ledger.waiting(LIMITS[0].namespaces)}
        for name, charge in self.wanted.items():
            held = self.ledger.held(key(name))
            served = held is not None and held.parts == charge.parts
            never = any(charge.total(each) > limit for each, limit in LIMITS[0].limits.items())
            assert served or never or name in waiting


TestAnyOrder: Any = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=settings().max_examples, stateful_step_count=30, deadline=None)


@given(
    demands=st.lists(st.integers(1, 8), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_everybody_is_served_in_the_end_though_small_ones_keep_coming(demands: list[int], order: Any) -> None:
    """As long as what runs ends, each one that can fit at all runs after finitely many others, however large it is."""
    ledger, limits = Ledger(3.0), tenant(memory=8)
    big = wants("big", 8, since=0.0)
    ledger.ask(wants("first", 4, since=-1.0), limits, 0.0)
    assert ledger.ask(big, limits, 0.0) is not None
    running = ["first"]
    for number, memory in enumerate(demands * 20):
        now, name = float(number + 1), f"small-{number}"
        if ledger.ask(wants(name, min(memory, 4), since=now), limits, now) is None:
            running.append(name)
        if running and order.random() < 0.7:
            ledger.release(key(running.pop(order.randrange(len(running)))))
        if key("big") in ledger.servable(limits[0]):
            assert ledger.ask(big, limits, now) is None
            return
    while running:
        ledger.release(key(running.pop()))
    assert key("big") in ledger.servable(limits[0])


def test_an_answer_is_what_asking_would_get_and_changes_nothing() -> None:
    ledger = Ledger(PATIENCE)
    assert ledger.ask(wants("a", 3), tenant(memory=4), 0.0) is None
    for charge in (wants("b", 1), wants("b", 2), wants("b", 5), wants("a", 4), wants("a", 5)):
        before = ledger.used(["shop"]), ledger.held(charge.key), ledger.waiting(["shop"])
        told = ledger.answer(charge, tenant(memory=4))
        assert (ledger.used(["shop"]), ledger.held(charge.key), ledger.waiting(["shop"])) == before
        other = Ledger(PATIENCE)
        other.ask(wants("a", 3), tenant(memory=4), 0.0)
        assert other.ask(charge, tenant(memory=4), 0.0) == told
