"""The command line: what a person types, and how fast it answers."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from berth import __version__
from berth.api.crd import KINDS
from berth.cli.main import app

OPERATOR = Path(__file__).resolve().parents[2] / "operator"
HEAVY = (
    "kopf",
    "kubernetes",
    "aiohttp",
    "prometheus_client",
    "cel_expr_python",
    "berth.app.operator",
    "berth.app.preview.server",
)
PROBE = f"""
import sys
sys.argv = ["berth", *sys.argv[1:]]
from berth.cli.main import main
try:
    main()
finally:
    print("loaded:", *sorted(set(sys.modules) & set({HEAVY!r})))
"""
STATUS = {
    "reason": "AwaitingApproval",
    "ready": "1/1",
    "placement": {
        "className": "vm",
        "level": "Virtualized",
        "backend": "VirtualMachine",
        "decidedBy": [{"dimension": "level", "value": "Virtualized", "by": "IsolationPolicy pci (cardholder data)"}],
    },
    "conditions": [{"type": "Ready", "status": "True", "reason": "Running", "message": "all replicas are ready"}],
    "candidates": [
        {"className": "runc", "level": "Container", "verdict": "Never", "rule": "level", "message": "too weak"},
        {"className": "vm", "level": "Virtualized", "verdict": "Fit", "chosen": True, "overhead": {"memory": "288Mi"}},
    ],
    "wouldChange": [{"change": "delete IsolationPolicy pci", "outcome": "runc"}],
    "pendingSwitch": {"from": "vm", "to": "kata", "message": "the machine would stop"},
    "cost": {
        "requested": {"cpu": "1", "memory": "1Gi"},
        "overhead": {"cpu": "0", "memory": "288Mi"},
        "running": {"cpu": "2", "memory": "4Gi"},
    },
    "timeToReady": {"seconds": 9, "segments": [{"name": "Running", "seconds": 8}]},
    "decision": {"inputsHash": "a", "policyHash": "b", "engineVersion": "1"},
    "warnings": ["it would run in snp"],
}
WORKLOAD = {"kind": "Workload", "metadata": {"name": "web", "namespace": "shop"}, "status": STATUS}


def berth(*arguments: str, text: str | None = None) -> Result:
    """Run the command line in this process."""
    return CliRunner().invoke(app, arguments, input=text)


def probe(*arguments: str) -> tuple[str, list[str]]:
    """Run the command line in a process of its own; return what it says and which heavy libraries it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(OPERATOR), "TERM": "dumb", "COLUMNS": "200"},
    )
    assert done.returncode == 0, done.stderr
    said, _, loaded = done.stdout.rpartition("loaded:")
    return said, loaded.split()


def test_the_version_is_one_line() -> None:
    result = berth("--version")
    assert (result.exit_code, result.stdout) == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["explain", "--help"], ["operator", "--help"], ["preview", "--help"]]
)
def test_help_answers_without_loading_the_operator(arguments: list[str]) -> None:
    said, loaded = probe(*arguments)
    assert loaded == []
    assert said.strip()


def test_help_names_every_verb() -> None:
    said = berth("--help").stdout
    assert all(verb in said for verb in ("operator", "preview", "explain", "crds"))


def test_a_workload_is_explained_from_standard_input() -> None:
    result = berth("explain", "-", text=yaml.safe_dump(WORKLOAD))
    assert result.exit_code == 0
    for part in (
        "workloads.berth.dev shop/web",
        "runs in vm (Virtualized, VirtualMachine)",
        "ready 1/1, AwaitingApproval",
        "level Virtualized required by IsolationPolicy pci (cardholder data)",
        "should move to kata: the machine would stop",
        "asks for 1 cpu, 1Gi; isolation adds 0 cpu, 288Mi",
        "the guest has 2 cpu, 4Gi until it takes the change over",
        "first ready after 9 s (Running 8s)",
        "level: too weak",
        "* vm",
        "delete IsolationPolicy pci -> runc",
        "Warning: it would run in snp",
        "inputs a, policy b, engine 1",
    ):
        assert part in result.stdout, part


def test_a_file_and_a_list_are_explained_too(tmp_path: Path) -> None:
    other = {"kind": "Workload", "metadata": {"name": "api", "namespace": "shop"}}
    file = tmp_path / "list.yaml"
    file.write_text(yaml.safe_dump({"kind": "List", "items": [WORKLOAD, other]}))
    said = berth("explain", str(file)).stdout
    assert "shop/web" in said
    assert "shop/api\n  has no status yet" in said


def test_what_runs_nowhere_is_explained() -> None:
    nowhere = WORKLOAD | {"status": {"reason": "NoCapableNode", "conditions": [], "candidates": []}}
    assert "runs nowhere: NoCapableNode" in berth("explain", "-", text=yaml.safe_dump(nowhere)).stdout


@pytest.mark.parametrize("text", ["", "[]", "hello", "{items: []}", "kind: List\nitems: []"])
def test_nothing_to_explain_is_said(text: str) -> None:
    result = berth("explain", "-", text=text)
    assert result.exit_code == 2
    assert "nothing to explain" in result.stderr


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &a [x]\nmetadata: {name: web}\nstatus: {reason: *a}", "has a YAML alias"),
        ("status: " + "[" * 101 + "]" * 101, "more than 100 levels deep"),
        ("metadata: !!python/object/apply:os.system [id]", "neither YAML nor JSON"),
        ("a: [", "neither YAML nor JSON"),
        ("x" * ((64 << 20) + 1), "give fewer than 64 MiB"),
        ("metadata: web", "nothing to explain"),
        ("items: {a: b}", "nothing to explain"),
    ],
    ids=["alias", "depth", "python", "torn", "size", "no object", "no list"],
)
def test_what_no_workload_is_written_as_is_refused_with_one_line(text: str, says: str) -> None:
    result = berth("explain", "-", text=text)
    assert result.exit_code == 2
    assert says in result.stderr
    assert result.stderr.count("\n") == 1


def test_text_of_a_tenant_cannot_steer_the_terminal() -> None:
    forged = WORKLOAD | {"status": STATUS | {"reason": "\x1b[2Jgone\r\x9b31m\x07\n  runs in kata"}}
    said = berth("explain", "-", text=yaml.safe_dump(forged)).stdout
    assert "gone" in said
    assert not [letter for letter in said if letter != "\n" and not letter.isprintable()]


def test_crds_are_written_and_checked(tmp_path: Path) -> None:
    assert berth("crds", str(tmp_path)).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(kind.file_name for kind in KINDS)
    assert berth("crds", str(tmp_path), "--check").exit_code == 0


@pytest.mark.parametrize("change", ["edited", "missing", "foreign"])
def test_stale_crds_are_named_and_left_as_they_are(tmp_path: Path, change: str) -> None:
    berth("crds", str(tmp_path))
    name = "old.yaml" if change == "foreign" else KINDS[0].file_name
    if change == "missing":
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text("stale: true\n")
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    result = berth("crds", str(tmp_path), "--check")
    assert result.exit_code == 1
    assert f"stale: {name}: run `make generate`" in result.stderr
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("verb", ["operator", "preview"])
def test_settings_that_are_not_valid_end_a_process_with_a_message(monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setenv("BERTH_WORKERS", "0")
    result = berth(verb)
    assert result.exit_code == 2
    assert "settings are not valid" in result.stderr
    assert "workers" in result.stderr


def test_the_preview_needs_a_certificate_and_says_so() -> None:
    result = berth("preview")
    assert result.exit_code == 2
    assert "preview_certificate" in result.stderr
    assert "preview_key" in result.stderr
