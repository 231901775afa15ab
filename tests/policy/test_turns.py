"""How many running workloads are moved at one time."""

from berth.policy.turns import Moving, Turn, Turns

ACME = Turn("Tenant acme", 2, frozenset({"shop"}))
ALL = Turn("all tenants", 3)
MOVE = Moving("runc", "kata", 1.0)


def test_no_more_move_than_a_tenant_allows_and_the_others_are_told_why() -> None:
    turns = Turns()
    assert turns.take(("shop", "a"), (ACME, ALL), MOVE) is None
    assert turns.take(("shop", "b"), (ACME, ALL), MOVE) is None
    assert turns.take(("shop", "c"), (ACME, ALL), MOVE) == (
        "2 Workloads of Tenant acme are being moved, which is the most at one time"
    )
    assert turns.take(("bank", "d"), (ALL,), MOVE) is None
    why = turns.take(("bank", "e"), (ALL,), MOVE)
    assert why is not None
    assert "3 Workloads of all tenants" in why
    assert turns.waiting() == (("shop", "c"), ("bank", "e"))


def test_who_moves_already_goes_on() -> None:
    turns = Turns()
    for _ in range(3):
        assert turns.take(("shop", "a"), (Turn("Tenant acme", 1),), MOVE) is None


def test_the_end_of_one_move_is_the_turn_of_the_next() -> None:
    turns, one = Turns(), Turn("Tenant acme", 1)
    turns.take(("shop", "a"), (one,), MOVE)
    assert not turns.end(("shop", "z")), "nobody waits for one that does not move"
    turns.take(("shop", "b"), (one,), MOVE)
    assert turns.end(("shop", "a"))
    assert turns.take(("shop", "b"), (one,), MOVE) is None
    assert turns.waiting() == ()


def test_who_does_not_want_to_move_any_more_does_not_wait() -> None:
    turns, one = Turns(), Turn("Tenant acme", 1)
    turns.take(("shop", "a"), (one,), MOVE)
    turns.take(("shop", "b"), (one,), MOVE)
    turns.end(("shop", "b"))
    assert turns.waiting() == ()
    assert not turns.end(("shop", "a"))


def test_a_move_that_turns_elsewhere_on_its_way_began_when_it_began() -> None:
    turns, one = Turns(), Turn("Tenant acme", 1)
    turns.take(("shop", "a"), (one,), MOVE)
    turns.take(("shop", "a"), (one,), Moving("kata", "vm", 9.0))
    assert turns.moving == {("shop", "a"): Moving("runc", "vm", 1.0)}
    turns.end(("shop", "a"))
    assert turns.moving == {}
