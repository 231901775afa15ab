"""The image of probes: one program and nothing else, and what it says of the process that runs it."""

import json
import socket
import subprocess
from pathlib import Path
from threading import Thread

import pytest

from berth.world.probes import sight
from ground.toolchain import go_build
from image import build, storage

pytestmark = pytest.mark.ground


@pytest.mark.xdist_group("image")
@pytest.mark.skipif(bool(storage.missing() and storage.engine() is None), reason="nothing here builds images")
def test_there_is_one_static_program_in_it_that_runs_as_a_user_without_rights(tmp_path: Path) -> None:
    image = build.build_probe()
    assert image.configuration["config"]["User"] == "65532:65532"
    image.unpack(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["berth-probe"]
    assert b"statically linked" in subprocess.check_output(["file", tmp_path / "berth-probe"])


def said(tmp_path: Path, *addresses: str, patience: str = "0s") -> dict[str, object]:
    """Run the program; return what it wrote."""
    told = tmp_path / "told"
    subprocess.run([go_build(build.PROBE), "-to", told, "-patience", patience, *addresses], check=True, env={})
    found: dict[str, object] = json.loads(told.read_text())
    return found


def test_it_sees_what_its_own_process_has(tmp_path: Path) -> None:
    found = said(tmp_path)
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    assert found["bootID"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert found["kernel"] == Path("/proc/sys/kernel/osrelease").read_text().strip()
    assert found["uidMap"] == " ".join(Path("/proc/self/uid_map").read_text().split())
    assert (found["capEff"], found["seccomp"]) == (status["CapEff"], status["Seccomp"])
    assert found["noNewPrivs"] == status["NoNewPrivs"]


def test_its_words_are_understood_by_the_operator(tmp_path: Path) -> None:
    ended = {"state": {"terminated": {"message": json.dumps(said(tmp_path))}}}
    seen = sight({"status": {"containerStatuses": [ended]}})
    assert seen is not None
    assert seen.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_an_address_counts_as_reached_only_if_it_stays_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stays, socket.create_server(("127.0.0.1", 0)) as closes:
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (stays, closes)]
        assert said(tmp_path, *addresses)["reached"] == addresses
        closes.accept()[0].close()
        once = Thread(target=lambda: (closes.accept()[0].close(), closes.close()))
        once.start()
        assert said(tmp_path, *addresses, patience="2s")["reached"] == addresses[:1]
        once.join()
