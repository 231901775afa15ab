"""Checks of what is done with text: bombs, slow expressions, metrics, logs, the command line."""

import json
import logging
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import thread_time
from typing import Any

import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.scrapes import an_outcome, families_of, text_of
from berth.api import quantity
from berth.app.logs import JsonLines
from berth.app.metrics.process import Metrics
from berth.cli.explain import explanation
from berth.policy.cel import bind, compile_condition, holds
from berth.policy.compiled import compile_policy
from berth.policy.images import parse_image
from berth.verify import image
from berth.verify.check import verify
from berth.world import parse
from threats.site import Site
from verify.change import changed, path_of

CANARY = "canary-in-a-coal-mine"
SOURCES = Path(__file__).resolve().parents[2] / "operator"
MEMORY = 1 << 30
FAST = 0.01
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
"""Nine to the ninth power: it fits on a page and fills every memory when it is written out."""


def _took(what: Callable[[], object]) -> float:
    """Return the seconds of a processor that something took, however busy the machine is."""
    start = thread_time()
    what()
    return thread_time() - start


def _explained(text: str) -> subprocess.CompletedProcess[str]:
    """Run `berth explain` on a text in a process of its own, with a GiB of memory and half a minute."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workload.yaml"
        file.write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "berth", "explain", str(file)],
            env={"PYTHONPATH": str(SOURCES)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


def _refused_by_the_command_line(text: str) -> str:
    done = _explained(text)
    said = done.stderr.strip()
    assert done.returncode == 2, f"it ended with {done.returncode}: {said[-500:]}"
    assert "Traceback" not in said, said[-500:]
    assert ": " in said, said
    assert len(said) < 1000, said[:200]
    return said


def yaml_bomb_at_the_command_line(_: Site) -> str:
    """A YAML bomb is refused before it is written out."""
    status = "kind: Workload\nmetadata: {name: web}\nstatus: {reason: *i, conditions: [{type: *i, status: *i, reason: *i, message: *i}]}\n"
    return _refused_by_the_command_line(BOMB + status)


def deep_yaml_at_the_command_line(_: Site) -> str:
    """Ten thousand levels are refused, not walked."""
    return _refused_by_the_command_line("status: " + "[" * 10000 + "]" * 10000)


def python_yaml_at_the_command_line(_: Site) -> str:
    """No object of Python is made from YAML."""
    return _refused_by_the_command_line("metadata: !!python/object/apply:os.system ['echo gotcha']\n")


def large_yaml_at_the_command_line(_: Site) -> str:
    """A file that is no Workload by its size alone is not parsed."""
    return _refused_by_the_command_line("x: " + "y" * (64 << 20))


def the_command_line_is_plain(_: Site) -> str:
    """What tenants write does not reach the terminal as orders."""
    evil = "\x1b[2J\x1b[31mready\x07\u202e"
    text = explanation({"metadata": {"name": evil}, "status": {"reason": evil, "warnings": [evil]}})
    assert not {"\x1b", "\x07", "\u202e"} & set(text), repr(text)
    return "control characters are shown as a mark"


def deep_child(site: Site) -> str:
    """A child a hundred thousand levels deep is refused like any other."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for path in ("spec.template.spec.affinity", "spec.template.spec.containers", "deep"):
        assert verify(changed(site.children["web/Deployment"], path_of(path), deep), site.bounds["web"])
    return "refused without a walk to the end"


def images_parse_fast(_: Site) -> str:
    """No image takes long to read."""
    worst = [
        "a" * 1024,
        "a-" * 512,
        "a" * 500 + "/" * 500,
        "a.b-c_d__e" * 100,
        "a:" * 500,
        "@" * 1000,
        "a/" * 500 + "A",
    ]
    slowest = max(_took(lambda text=text: (parse_image(text), _read(text))) for text in worst)
    assert slowest < FAST, f"an image took {slowest:.3f} s"
    return f"the slowest of {len(worst)} took {slowest * 1000:.2f} ms"


def _read(text: str) -> None:
    try:
        image.parse(text)
    except ValueError:
        return


def quantities_parse_fast(_: Site) -> str:
    """No amount takes long to read; one that the schema takes is 32 characters long at most."""
    worst = ["9" * 32, "1" * 15 + "." + "1" * 15, "1e99999999999999999999999999", "1" + "e" * 31, "0" * 31 + "x"]

    def read(text: str) -> None:
        try:
            quantity.millicores(text)
        except (ValueError, ArithmeticError):
            return

    slowest = max(_took(lambda text=text: read(text)) for text in worst)
    assert slowest < FAST, f"an amount took {slowest:.3f} s"
    return f"the slowest of {len(worst)} took {slowest * 1000:.2f} ms"


WORKLOAD = {
    "workload": {"name": "a" * 52, "labels": {}, "spec": {"args": list(range(300))}},
    "ns": {"name": "x", "labels": {}},
}


def _asked(text: str) -> tuple[float, bool]:
    condition = compile_condition(text)
    start = thread_time()
    answer, _ = holds(condition, bind(WORKLOAD))
    return thread_time() - start, answer


def cel_has_an_end(_: Site) -> str:
    """Loops in loops come to an end, and an end that was forced counts as true: the policy holds."""
    inner = "true"
    for name in "abc":
        inner = f"workload.spec.args.all({name}, {inner})"
    seconds, answer = _asked(inner)
    assert seconds < 5.0, f"it took {seconds:.1f} s"
    assert answer, "the policy was skipped"
    return f"300 x 300 x 300 came to an end after {seconds:.2f} s, and the policy holds"


def cel_regex_has_an_end(_: Site) -> str:
    """A regular expression takes linear time."""
    seconds, _answer = _asked("workload.name.matches('(a+)+(a+)+(a+)+$') && workload.name.matches('^(a|aa)*b$')")
    assert seconds < FAST * 10, f"it took {seconds:.3f} s"
    return f"it took {seconds * 1000:.2f} ms"


def _series(metrics: Metrics) -> list[Any]:
    return [sample for family in families_of(metrics) for sample in family.samples if family.name.startswith("berth_w")]


def series_have_an_end(_: Site, count: int) -> str:
    """Many Workloads get no more series than the cap allows, beside those of namespaces."""
    metrics, cap = Metrics(cap=100), 100
    for number in range(count):
        metrics.state.outcomes["evil", f"w{number}"] = an_outcome()
    found = len(_series(metrics))
    assert found <= 22 * cap + 20, f"{found} series"
    return f"{count} Workloads make {found} series, at a cap of {cap}"


def series_go(_: Site) -> str:
    """Nothing is left of a Workload that is gone."""
    metrics = Metrics(cap=100)
    before = len(_series(metrics))
    metrics.state.outcomes["evil", "web"] = an_outcome()
    assert len(_series(metrics)) > before
    metrics.state.outcomes.clear()
    assert len(_series(metrics)) == before
    return f"{before} series before and after"


def labels_are_closed(site: Site) -> str:
    """No label of a metric holds what an author writes but names that the API server has checked."""
    lines = site.operator.scrape().splitlines()
    labels = {
        part.split("=")[0].strip("{ ")
        for line in lines
        if "{" in line
        for part in line[line.index("{") + 1 :].split('",')
    }
    assert not labels & {"image", "tag", "user", "label", "annotation", "message", "env", "command"}, labels
    return f"labels are {', '.join(sorted(labels))}"


def exposition_holds(_: Site, text: str) -> str:
    """A text in a label comes back as it was, and no other series comes with it."""
    metrics = Metrics(cap=10)
    metrics.state.outcomes["evil", "web"] = an_outcome(runtime_class=text, reason=text)
    made = text_of(metrics)
    families = {family.name: family for family in text_string_to_metric_families(made)}
    [info] = families["berth_workload_info"].samples
    assert info.labels["runtime_class"] == text, info.labels
    assert [sample.value for sample in families["berth_workloads_below_required"].samples] == [0.0]
    assert "\nberth_workloads_below_required 99" not in made
    return "it comes back as it was"


def logs_hold(_: Site, text: str) -> str:
    """A text in a log line stays in its string."""
    record = logging.LogRecord("berth", logging.WARNING, "x.py", 1, "%s", (text,), None)
    record.__dict__["workload"] = text
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    found = json.loads(line)
    assert (found["message"], found["workload"], found["level"]) == (text, text, "warning")
    return "one line of ASCII"


def long_lines_are_cut(_: Site) -> str:
    """A log line has an end."""
    record = logging.LogRecord("berth", logging.WARNING, "x.py", 1, "%s", ("x" * (1 << 20),), None)
    found = len(JsonLines().format(record))
    assert found < 8192, f"{found} characters"
    return f"a megabyte becomes {found} characters"


def refusals_keep_secrets(site: Site) -> str:
    """The verifier does not repeat values that may be secrets: its refusals stand in status and logs."""
    body = site.children["full/Deployment"]
    path = "spec.template.spec.containers.0."
    for at, value in (
        ("env", [{"name": "A", "value": [CANARY]}]),
        ("env", [{"name": "A", "valueFrom": {"x": CANARY}}]),
        ("args", CANARY),
        ("command", {"x": CANARY}),
        ("readinessProbe.httpGet.httpHeaders", [{"name": "A", "value": {"x": CANARY}}]),
    ):
        found = verify(changed(body, path_of(path + at), value), site.bounds["full"])
        assert found, at
        assert CANARY not in "".join(map(str, found)), at
    return "five refusals name fields and types alone"


def random_bodies_stop_nothing(_: Site) -> str:
    """Whatever a spec is, reading it makes a record or an error that is said, and a policy holds all the same."""
    meta = {"name": "x", "namespace": "x", "uid": "u", "resourceVersion": "1", "generation": 1}
    strange = [
        None,
        True,
        1,
        1.5,
        "x",
        [],
        [[]],
        [None],
        {},
        {"x": None},
        {"level": 1},
        {"require": []},
        {"match": "x"},
    ]
    strange += [{"mode": each, "reason": each, "require": each, "match": each, "when": each} for each in list(strange)]
    strange += [{"namespaceSelector": each, "floor": each, "quota": each, "container": each} for each in strange[:13]]
    for spec in strange:
        raw = {"metadata": meta, "spec": spec}
        for read in (parse.workload, parse.isolation_class, parse.tenant, parse.waiver):
            _parsed(read, raw)
        policy = _parsed(parse.isolation_policy, raw)
        if policy is not None:
            assert compile_policy(policy).error, f"{spec} was understood"
    return f"{len(strange)} bodies of five kinds"


def _parsed(read: Callable[[Any], Any], raw: Any) -> Any:
    if isinstance(raw["spec"], dict):
        return read(raw)
    with suppress(TypeError, AttributeError):  # the structure of the CRD keeps specs objects
        return read(raw)
    return None


def unreadable_policies_are_strictest(_: Site) -> str:
    """A policy that is not understood asks for the most."""
    meta = {"name": "x", "uid": "u", "resourceVersion": "1", "generation": 1}
    specs: list[Any] = [
        {"mode": "Enforce", "reason": "r", "require": {"level": "Strongest"}},
        {"mode": "Sometimes", "reason": "r", "require": {"level": "Sandboxed"}},
        {"mode": "Enforce", "reason": "r"},
        {"mode": "Enforce", "reason": "r", "require": {"level": "Sandboxed"}, "unless": {"tenants": ["evil"]}},
        {"mode": "Enforce", "reason": "r", "require": {"level": "Sandboxed"}, "match": {"namespaceSelector": []}},
    ]
    for spec in specs:
        found = compile_policy(parse.isolation_policy({"metadata": meta, "spec": spec}))
        assert found.error, spec
        assert str(found.demand.level).endswith("Confidential"), (spec, found.demand.level)
    return f"{len(specs)} policies ask for Confidential"


def status_lists_have_an_end(_: Site) -> str:
    """Every list and text of every status has an upper bound."""
    endless: list[str] = []
    for path in sorted((SOURCES.parent / "crds").glob("*.yaml")):
        crd = yaml.safe_load(path.read_text())
        for version in crd["spec"]["versions"]:
            status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
            endless += [f"{crd['spec']['names']['kind']}{each}" for each in _endless(status, ".status")]
    assert not endless, endless
    return "all of them"


def _endless(schema: Any, path: str) -> list[str]:
    kind = schema.get("type")
    found = []
    if kind == "array":
        found += [] if "maxItems" in schema else [path]
        found += _endless(schema["items"], f"{path}[]")
    for name, inner in schema.get("properties", {}).items():
        found += _endless(inner, f"{path}.{name}")
    if isinstance(schema.get("additionalProperties"), dict):
        found += [] if "maxProperties" in schema else [path]
    if kind == "string" and not {"maxLength", "enum", "format"} & schema.keys():
        found.append(path)
    return found
