"""Warnings are short, on one line, in order of importance, and not too many for the API server to hand on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.app.preview.lines import LONGEST, MOST, counted, fitting, listed, sized
from berth.decide.model import Cost

CLAUSE = "a clause of a sentence that says something"


def test_short_sentences_stay_as_they_are_and_in_order() -> None:
    assert fitting(["b is so", "a is so; and c"]) == ["b is so", "a is so; and c"]


def test_a_long_sentence_is_split_between_its_clauses() -> None:
    told = fitting(["; ".join([CLAUSE] * 10)])
    assert len(told) == 2
    assert all(line.endswith("something") for line in told)
    assert told[1].startswith("... a clause")


def test_a_long_clause_is_split_between_words_and_nothing_is_lost() -> None:
    words = [f"word{number}" for number in range(100)]
    told = fitting([" ".join(words)])
    assert len(told) > 2
    assert [word for line in told for word in line.replace("...", " ").split()] == words


def test_nothing_is_told_twice() -> None:
    assert fitting(["a", "b", "a"]) == ["a", "b"]


def test_of_too_many_the_first_are_told_and_how_many_are_left() -> None:
    told = fitting(str(number) for number in range(40))
    assert told == [*map(str, range(MOST - 1)), "and 25 more lines"]


@pytest.mark.parametrize("text", ["a\nb", "a\r\n b", "a\x00b", "a\x1b b", "a\u2028b", "a\x7fb", " a  b "])
def test_what_an_http_header_must_not_hold_becomes_a_space(text: str) -> None:
    assert fitting([text]) == ["a b"]


@given(st.lists(st.text(max_size=900), max_size=30))
def test_whatever_is_said_fits(sentences: list[str]) -> None:
    told = fitting(sentences)
    assert len(told) <= MOST
    assert all(0 < len(line) <= LONGEST and line.isprintable() for line in told)


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (Cost(), "nothing"),
        (Cost(250, 320 << 20), "250m CPU and 320Mi"),
        (Cost(0, 1 << 30), "1Gi"),
        (Cost(2000), "2 CPU"),
    ],
)
def test_amounts_leave_out_what_there_is_none_of(cost: Cost, said: str) -> None:
    assert sized(cost) == said


def test_lists_and_counts_are_said_as_people_do() -> None:
    assert (listed([]), listed("ab"), listed("abcdefg")) == ("", "a, b", "a, b, c, d, e and 2 more")
    assert (counted(0, "Workload"), counted(1, "Workload"), counted(2, "Workload")) == (
        "0 Workloads",
        "1 Workload",
        "2 Workloads",
    )
