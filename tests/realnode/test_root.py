"""The page about images that start as root, word for word: what it says to write runs, and in gVisor too."""

from pathlib import Path
from typing import Any

import pytest

from docs.pages import examples
from realnode.specs import REGISTRY
from scenarios.kinds import WORKLOAD
from scenarios.site import Space, kubectl

pytestmark = [pytest.mark.realnode, pytest.mark.ground]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "root.md"
IMAGES = {"nginx:1": "nginx:1", "postgres:15": "postgres:1", "redis:7": "redis:1"}
"""Those of the page, and the ground's that behave so."""
SECONDS = 90.0
CAPABILITIES = 0xA80405FB
"""AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT."""


def written() -> list[Any]:
    """Return every Workload of the page whose image the ground has one like."""
    found = [each for example in examples(PAGE) for each in example.documents if each["kind"] == "Workload"]
    return [each for each in found if _image(each) in IMAGES]


def _image(workload: Any) -> str:
    return str(workload["spec"]["container"]["image"].rpartition("/")[2])


def test_every_image_that_the_ground_has_one_like_is_on_the_page() -> None:
    assert {_image(each) for each in written()} == IMAGES.keys()


@pytest.mark.parametrize("level", ["Container", "Sandboxed"])
@pytest.mark.parametrize("workload", written(), ids=_image)
def test_what_the_page_says_to_write_runs(space: Space, workload: Any, level: str) -> None:
    spec = workload["spec"] | {"isolation": {"level": level}}
    spec["container"] = spec["container"] | {"image": f"{REGISTRY}/demo/{IMAGES[_image(workload)]}"}
    space.workload("web", spec)
    space.expect("web", "Ready", "True", "Running", SECONDS)
    root = spec.get("needs", {}).get("root", False)
    place = {("Container", False): "container", ("Container", True): "container-userns"}.get((level, root), "gvisor")
    assert space.get(WORKLOAD, "web")["status"]["placement"]["className"] == place
    status = dict(line.split(":", 1) for line in in_the_pod(space, "cat /proc/self/status").splitlines() if ":" in line)
    assert int(status["CapEff"], 16) == (CAPABILITIES if root else 0)
    assert status["NoNewPrivs"].strip() == "1"
    if root:
        assert in_the_pod(space, "su nobody -s /bin/sh -c 'id -un'").strip() == "nobody"


def in_the_pod(space: Space, script: str) -> str:
    """Return what a shell in the pod prints."""
    return kubectl(space.cluster, "-n", space.name, "exec", "deploy/web", "--", "sh", "-c", script)
