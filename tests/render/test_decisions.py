"""Every golden case is decided for the class that its children are rendered in."""

import pytest
import yaml

from golden import golden


@pytest.mark.parametrize("name", golden.names())
def test_a_golden_case_is_decided_for_the_class_that_it_is_rendered_in(name: str) -> None:
    documents = {each["kind"]: each for each in yaml.safe_load_all((golden.CASES / name / "in.yaml").read_text())}
    decided = yaml.safe_load(golden.decision(name))
    assert decided["class"] == documents["IsolationClass"]["metadata"]["name"]
    assert golden.decision(name) == (golden.CASES / name / "decision.yaml").read_text()
