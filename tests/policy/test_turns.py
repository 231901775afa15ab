"""How many running workloads are moved at one time."""

from berth.policy.turns import Turn, Turns

ACME = Turn("Tenant acme", 2, frozenset({"shop"}))
ALL = Turn("all tenants", 3)


def test_no_more_move_than_a_tenant_allows_and_the_others_are_told_why() -> None:
    turns = Turns()
    assert turns.take(("shop", "a"), (ACME, ALL)) is None
    assert turns.take(("shop", "b"), (ACME, ALL)) is None
    assert turns.take(("shop", "c"), (ACME, ALL)) == (
        "2 Workloads of Tenant acme are being moved, which is the most at one time"
    )
    assert turns.take(("bank", "d"), (ALL,)) is None
    why = turns.take(("bank", "e"), (ALL,))
    assert why is not None
    assert "3 Workloads of all tenants" in why
    assert turns.waiting() == (("shop", "c"), ("bank", "e"))


def test_who_moves_already_goes_on() -> None:
    turns = Turns()
    for _ in range(3):
        assert turns.take(("shop", "a"), (Turn("Tenant acme", 1),)) is None


def test_the_end_of_one_move_is_the_turn_of_the_next() -> None:
    turns, one = Turns(), Turn("Tenant acme", 1)
    turns.take(("shop", "a"), (one,))
    assert not turns.end(("shop", "z")), "nobody waits for one that does not move"
    turns.take(("shop", "b"), (one,))
    assert turns.end(("shop", "a"))
    assert turns.take(("shop", "b"), (one,)) is None
    assert turns.waiting() == ()


def test_who_does_not_want_to_move_any_more_does_not_wait() -> None:
    turns, one = Turns(), Turn("Tenant acme", 1)
    turns.take(("shop", "a"), (one,))
    turns.take(("shop", "b"), (one,))
    turns.end(("shop", "b"))
    assert turns.waiting() == ()
    assert not turns.end(("shop", "a"))
