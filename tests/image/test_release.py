"""The release workflow, as far as it can be known without running it: rights, pins, secrets, and what it calls."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from image.build import REPOSITORY

TEXT = (REPOSITORY / ".github/workflows/release.yaml").read_text()
WORKFLOW: dict[Any, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
PERMISSIONS = {
    "build": {"contents": "read"},
    "publish": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    "release": {"contents": "write"},
}
SECRET = re.compile(r"secrets\.|github\.token")
TARGETS = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
SCRIPTS = sorted(path.name for path in (REPOSITORY / ".ci").iterdir())


def steps() -> Iterator[dict[str, Any]]:
    for job in JOBS.values():
        yield from job["steps"]


def commands() -> str:
    return "\n".join(step["run"] for step in steps() if "run" in step)


def test_only_a_version_starts_it() -> None:
    started = WORKFLOW[True]  # YAML reads `on` so
    assert started == {"push": {"tags": ["v[0-9]+.[0-9]+.[0-9]+*"]}}


def test_jobs_have_the_rights_they_need_and_no_more() -> None:
    assert WORKFLOW["permissions"] == {}
    assert {name: job["permissions"] for name, job in JOBS.items()} == PERMISSIONS


def test_nothing_is_published_before_the_gate_has_passed() -> None:
    assert ".ci/run" in [step.get("run") for step in JOBS["build"]["steps"]]
    assert (JOBS["publish"]["needs"], JOBS["release"]["needs"]) == ("build", "publish")
    assert not any("continue-on-error" in each or "if" in each for each in (*JOBS.values(), *steps()))


def test_actions_are_pinned_by_commit_and_leave_no_token_behind() -> None:
    used = re.findall(r"uses: (\S+)( # v[\d.]+)?$", TEXT, re.MULTILINE)
    assert len(used) == sum("uses" in step for step in steps())
    for action, version in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action), action
        assert version, f"{action}: which version that is"
    checkouts = [step["with"] for step in steps() if "checkout" in step.get("uses", "")]
    assert checkouts
    assert all(given == {"persist-credentials": False} for given in checkouts)


def test_secrets_reach_single_steps_and_no_output() -> None:
    holders = [step for step in steps() if SECRET.search(str(step))]
    names = {name for step in holders for name, value in step["env"].items() if SECRET.search(value)}
    assert names == {"PASSWORD", "GH_TOKEN"}
    assert all("run" in step and not SECRET.search(step["run"]) for step in holders)
    assert len(SECRET.findall(TEXT)) == sum(len(SECRET.findall(str(step["env"]))) for step in holders)
    used = [line for line in commands().splitlines() if any(f"${name}" in line for name in names)]
    assert [line.partition("<<<")[2].strip() for line in used] == ['"$PASSWORD"'], "standard input alone"
    assert "set -x" not in commands()


def test_no_expression_is_pasted_into_a_command() -> None:
    assert "${{" not in commands()


def test_what_it_calls_is_there() -> None:
    called = set(re.findall(r"^\s*(\.ci/[a-z]+)", commands(), re.MULTILINE))
    assert called == {".ci/run", ".ci/publish"}
    assert all(os.access(REPOSITORY / path, os.X_OK) for path in called)
    made = set(re.findall(r"^\s*make ([a-z-]+)", commands(), re.MULTILINE))
    assert made
    assert made <= TARGETS, made - TARGETS


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_stop_at_the_first_failure(name: str) -> None:
    script = REPOSITORY / ".ci" / name
    assert "\nset -euo pipefail\n" in script.read_text()
    checked = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
