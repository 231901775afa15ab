"""The Helm chart: rendered by the real helm, and its default rendering as it stands in `manifests/install.yaml`."""

import os
import re
import subprocess
import tempfile
from pathlib import Path

import yaml

from ground import toolchain
from ground.api import Json

REPOSITORY = Path(__file__).resolve().parents[2]
CHART = REPOSITORY / "manifests" / "berth"
INSTALL = REPOSITORY / "manifests" / "install.yaml"
RELEASE = "berth"
NAMESPACE = "berth-system"
KIND = re.compile(r"^kind: (\w+)$", re.MULTILINE)
KNOWN = "berth.dev/v1alpha1/IsolationClass"
"""Said to be served, so that classes and policies are no hooks."""
ADMISSION = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


class HelmError(RuntimeError):
    """Helm refused; the message is its own."""


def helm(*arguments: str, kubeconfig: Path | None = None) -> str:
    """Run helm with no settings or cache but its own, and return what it says. Raises HelmError, ToolchainError."""
    with tempfile.TemporaryDirectory() as home:
        places = {f"HELM_{each}_HOME": home for each in ("CACHE", "CONFIG", "DATA")}
        environment = {"PATH": os.environ["PATH"], "HOME": home, **places}
        environment |= {"KUBECONFIG": str(kubeconfig)} if kubeconfig else {}
        command = [str(toolchain.tool("helm")), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HelmError(done.stderr.strip())
    return done.stdout


def render(*arguments: str, namespace: str = NAMESPACE) -> str:
    """Return what `helm template` makes of the chart. Raises HelmError."""
    return helm("template", RELEASE, str(CHART), "--namespace", namespace, "--api-versions", KNOWN, *arguments)


def texts(*kinds: str, source: str | None = None) -> list[str]:
    """Return the documents of some kinds, or of all, with their comments; of `manifests/install.yaml` if of no other."""
    documents = (INSTALL.read_text() if source is None else source).split("\n---\n")
    return [each for each in documents if kind(each) and (not kinds or kind(each) in kinds)]


def kind(document: str) -> str:
    """Return the kind of a document."""
    found = KIND.search(document)
    return found[1] if found else ""


def objects(*kinds: str, source: str | None = None) -> list[Json]:
    """Return the objects of some kinds, or of all."""
    found: list[Json] = [yaml.load(text, yaml.CSafeLoader) for text in texts(*kinds, source=source)]
    return found


def joined(documents: list[str]) -> str:
    """Return one YAML text of several documents."""
    return "\n---\n".join(documents)
