"""One JSON object per line, whatever users write."""

import json
import logging
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.app.logs import JsonLines

anything = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["a\nb", "\r\n", "\x1b[31mred", "\x9b31m", "\u2028", "\x00", '"}\n{"level":"error"', "\ud800", "\x7f"]
)


def line(message: str, *args: object, exc_info: Any = None, **extra: Any) -> str:
    """Return the line of a warning."""
    record = logging.LogRecord("berth.app", logging.WARNING, "x.py", 1, message, args, exc_info)
    record.__dict__.update(extra)
    return JsonLines().format(record)


def test_a_line_has_time_level_logger_message_and_what_was_given() -> None:
    found = json.loads(line("web: %s", "failed", namespace="shop"))
    assert found.pop("time").endswith("+00:00")
    assert found == {"level": "warning", "logger": "berth.app", "message": "web: failed", "namespace": "shop"}


@given(text=anything)
def test_text_of_users_stays_in_its_string(text: str) -> None:
    made = line("%s", text, workload=text)
    assert made.isascii()
    assert made.isprintable()
    found = json.loads(made)
    assert (found["message"], found["workload"]) == (text, text)


@pytest.mark.parametrize("value", [2**80, {1, 2}, object(), {"a": {3: b"x"}}, ("a", None), 1.5, ValueError("\n")])
def test_every_value_can_be_written(value: object) -> None:
    made = line("x", given=value)
    assert "\n" not in made
    assert "given" in json.loads(made)


def test_an_exception_is_one_field_of_the_line() -> None:
    try:
        int("first\nsecond")
    except ValueError:
        made = line("failed", exc_info=sys.exc_info())
    assert "\n" not in made
    assert json.loads(made)["exception"].startswith("Traceback (most recent call last):\n")


def test_a_message_has_an_end() -> None:
    assert len(json.loads(line("x" * 99999))["message"]) == 4096
