"""The list of rules as a whole."""

from pathlib import Path

from berth.decide import rules
from berth.decide.remedies import REMEDIES
from berth.decide.rules import POLICY_RULES, RULES

NAMES = [rule.__name__ for rule in RULES]


def test_every_rule_is_one_short_file_with_one_test_file_by_the_same_name() -> None:
    folder, tests = Path(rules.__file__).parent, Path(__file__).parent
    files = {path.stem: path for path in folder.glob("*.py") if path.stem != "__init__"}
    assert sorted(files) == sorted(NAMES)
    assert {path.stem for path in tests.glob("test_*.py")} == {f"test_{name}" for name in (*NAMES, "rules")}
    assert all(len(path.read_text().splitlines()) <= 75 for path in files.values())


def test_every_rule_says_what_would_satisfy_it() -> None:
    assert set(REMEDIES) == set(NAMES)
    assert set(NAMES) >= POLICY_RULES
