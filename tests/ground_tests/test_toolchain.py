"""Binaries are built once per version, seen by all at once or not at all, and missing ones are named."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ground import toolchain

GO = """#!/bin/sh
echo "$@" >> {log}
test "$1" = env && echo {version} && exit 0
{extra}
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n' > "$2"; chmod +x "$2"
"""
BINARIES = {"etcd", "kwok", "kwokctl", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}


class Go:
    """A Go that is first on PATH, notes its calls and makes empty binaries."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put it on PATH and give the toolchain a cache of its own."""
        self.path, self.log = folder / "bin" / "go", folder / "log"
        self.path.parent.mkdir()
        self.says("go1.26.8")
        monkeypatch.setenv("PATH", f"{self.path.parent}:/usr/bin:/bin")
        monkeypatch.setenv("BERTH_CACHE", str(folder / "cache"))
        monkeypatch.delenv("GROUND_BINARIES", raising=False)

    def says(self, version: str, extra: str = "") -> None:
        """Set its version and what it does before it makes a binary."""
        self.path.write_text(GO.format(log=self.log, version=version, extra=extra))
        self.path.chmod(0o755)

    def builds(self) -> list[str]:
        """Return the packages it was asked to build."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split()[-1] for line in lines if line.startswith("build")]


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Go:
    """Give a Go that only pretends."""
    return Go(tmp_path, monkeypatch)


def test_built_once(go: Go) -> None:
    """The first call builds every binary, the second none."""
    said: list[str] = []
    tools = toolchain.binaries(said.append)
    assert len(go.builds()) == len(BINARIES)
    assert toolchain.binaries(said.append) == tools
    assert len(go.builds()) == len(BINARIES)
    assert any(line.startswith("building kube-apiserver v1.") for line in said)


def test_version_is_stamped(go: Go) -> None:
    """Kubernetes' own binaries know their version."""
    toolchain.binaries(lambda _: None)
    line = next(line for line in go.log.read_text().splitlines() if line.endswith("cmd/kubectl"))
    assert "gitVersion=v1.37.2" in line
    assert "gitMajor=1" in line
    assert "gitMinor=37" in line


def test_failed_build_leaves_nothing(go: Go) -> None:
    """A failure shows the compiler's last words and is tried again; what was built before stays."""
    go.says("go1.26.8", 'case "$*" in *kube-apiserver) echo no such thing >&2; exit 2;; esac')
    with pytest.raises(toolchain.ToolchainError, match=r"(?s)building kube-apiserver .* status 2:.*no such thing"):
        toolchain.binaries(lambda _: None)
    assert go.builds()[-1].endswith("kube-apiserver")
    go.says("go1.26.8")
    toolchain.binaries(lambda _: None)
    assert len(go.builds()) == len(BINARIES) + 1


def test_killed_build_leaves_nothing(go: Go) -> None:
    """A build that is killed leaves no binary under its name."""
    go.says("go1.26.8", "kill -9 $PPID; sleep 1")
    code = "from ground import toolchain; toolchain.binaries()"
    env = {"PYTHONPATH": str(toolchain.MODULES.parents[1]), "PATH": str(go.path.parent) + ":/usr/bin:/bin"}
    env["BERTH_CACHE"] = str(go.log.parent / "cache")
    assert subprocess.run([sys.executable, "-c", code], env=env, check=False, capture_output=True).returncode == -9
    assert list((go.log.parent / "cache").rglob("etcd*/etcd")) == []
    go.says("go1.26.8")
    assert toolchain.binaries(lambda _: None).etcd.exists()


def test_two_processes_build_once(go: Go) -> None:
    """A second process waits for the first and builds nothing."""
    go.says("go1.26.8", "sleep 0.6")
    code = "from ground import toolchain; toolchain.binaries()"
    env = {"PYTHONPATH": str(toolchain.MODULES.parents[1]), "PATH": str(go.path.parent) + ":/usr/bin:/bin"}
    env["BERTH_CACHE"] = str(go.log.parent / "cache")
    both = [subprocess.Popen([sys.executable, "-c", code], env=env, stdout=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[0].decode() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert len(go.builds()) == len(BINARIES)
    assert sum("another process is building" in text for text in said) == 1


def test_release_binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of binaries is used as it is; what it lacks is named."""
    monkeypatch.setenv("GROUND_BINARIES", str(tmp_path))
    for name in BINARIES - {"kwok"}:
        (tmp_path / name).touch()
        (tmp_path / name).chmod(stat.S_IRWXU)
    with pytest.raises(toolchain.ToolchainError, match=r"not executable .*: kwok$"):
        toolchain.binaries()
    (tmp_path / "kwok").touch()
    (tmp_path / "kwok").chmod(stat.S_IRWXU)
    assert toolchain.binaries().kube_apiserver == tmp_path / "kube-apiserver"


def test_other_content_is_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed go.sum means new binaries, at another place."""
    module = toolchain.BUILT[0]
    before = module.home
    monkeypatch.setattr(toolchain, "MODULES", tmp_path)
    module.path.mkdir()
    real = Path(toolchain.__file__).parent / "tools" / module.name
    (module.path / "go.mod").write_text((real / "go.mod").read_text())
    (module.path / "go.sum").write_text((real / "go.sum").read_text())
    assert module.home == before
    (module.path / "go.sum").write_text("")
    assert module.home != before


def test_old_go_is_replaced(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Go that is too old is not used; the Python package's Go is, once it is installed."""
    go.says("go1.26.6")
    packaged = go.log.parent / "packaged"
    packaged.mkdir()

    def install(home: Path, _say: toolchain.Say) -> None:
        target = home / "go" / "bin" / "go"
        target.parent.mkdir(parents=True)
        target.write_text(GO.format(log=packaged / "log", version="go1.27.3", extra=""))
        target.chmod(0o755)

    monkeypatch.setattr(toolchain, "_install_go", install)
    toolchain.binaries(lambda _: None)
    assert go.builds() == []
    assert (packaged / "log").exists()


def test_optional_tool(go: Go) -> None:
    """A tool beside the control plane is built when first asked for, and nothing else is."""
    path = toolchain.tool("promtool", lambda _: None)
    assert (path.name, path.exists()) == ("promtool", True)
    assert [package.rpartition("/")[2] for package in go.builds()] == ["promtool"]
    assert toolchain.tool("prometheus", lambda _: None).parent == path.parent
    assert len(go.builds()) == 2
    with pytest.raises(toolchain.ToolchainError, match="no tool 'kubectl': prometheus, promtool"):
        toolchain.tool("kubectl")


def test_builds_are_counted(go: Go) -> None:
    """What is built at once is counted, with what is left; what is there already does not count."""
    said: list[str] = []
    assert not toolchain.is_built("helm")
    toolchain.tool("promtool", lambda _: None)
    toolchain.tools("promtool", "prometheus", "helm", say=said.append)
    assert toolchain.is_built("helm")
    counted = [found[1] for found in (re.search(r" \.\.\. \d+ s: (\d of \d),", line) for line in said) if found]
    assert list(dict.fromkeys(counted)) == ["1 of 2", "2 of 2"]
    assert any(line.endswith(" minutes more") for line in said)


def test_optional_release_binary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool, too, is taken from the folder of binaries; the control plane does not need it there."""
    monkeypatch.setenv("GROUND_BINARIES", str(tmp_path))
    with pytest.raises(toolchain.ToolchainError, match=r"not executable .*: promtool$"):
        toolchain.tool("promtool")
    (tmp_path / "promtool").touch()
    (tmp_path / "promtool").chmod(stat.S_IRWXU)
    assert toolchain.tool("promtool") == tmp_path / "promtool"
