"""A dashboard of all panel types is drawn from a real Prometheus; what the page complains about is an error."""

import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ground import cluster, prometheus
from ground.api import eventually, free_port
from picture_tests import sample
from pictures import browser
from pictures.__main__ import main

pytestmark = [
    pytest.mark.ground,
    pytest.mark.skipif(
        not (shutil.which("npm") and shutil.which("chromium")),
        reason="pictures need Node and Chromium, which `make pictures` installs on Debian",
    ),
]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Give a Prometheus that has scraped a harbour for a while."""
    port = free_port()
    harbour = subprocess.Popen(
        [sys.executable, "-m", "picture_tests.harbour", str(port)], cwd=Path(__file__).parents[1]
    )
    try:
        with (
            cluster.throwaway(folder=tmp_path) as made,
            prometheus.running(made, [prometheus.Target(f"127.0.0.1:{port}")], interval=1) as found,
        ):
            eventually(lambda: prometheus.query(found, "count_over_time(up[1m]) > 8"), 30, "nine scrapes")
            yield found
    finally:
        harbour.kill()
        harbour.wait()


def size(png: Path) -> tuple[int, int]:
    """Return width and height of a PNG file."""
    content = png.read_bytes()
    assert content.startswith(b"\x89PNG\r\n")
    return struct.unpack(">II", content[16:24])


def test_picture(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whole and by row; a query that Prometheus refuses is an error that names the panel."""
    source, out = tmp_path / "sample.json", tmp_path / "sample.png"
    source.write_text(json.dumps(sample.dashboard()))
    common = [str(source), "--prometheus", url, "--from=-20s", "--var", "tenant=acme|globex", "--out", str(out)]
    assert main(common) == 0, capsys.readouterr().err
    assert size(out) == (1600, 1660)
    whole = out.read_bytes()
    assert len(whole) > 100_000
    assert main([*common, "--row", "Now"]) == 0
    assert size(out)[1] < 600
    source.write_text(source.read_text().replace("sort_desc(", "sort_desk("))
    assert main(common) == 1
    assert "panel 6 'Quota used' (bargauge): query A: bad_data" in capsys.readouterr().err


def test_complaint_of_the_page_is_an_error(tmp_path: Path) -> None:
    """A panel that the page does not know fails the picture; no file is written."""
    panel = {
        "id": 1,
        "box": {"x": 0, "y": 0, "w": 10, "h": 10},
        "title": "x",
        "kind": "Nothing",
        "spec": {},
        "queries": [],
    }
    drawn = {
        "title": "x",
        "facts": [],
        "start": 0,
        "end": 1,
        "width": 100,
        "height": 100,
        "rows": [],
        "panels": [panel],
    }
    with pytest.raises(browser.BrowserError, match="the page complains"):
        browser.shoot(drawn, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without Node, or without Chromium where it cannot be installed, the message says what to install."""
    browser.built()
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(browser, "_found", lambda: None)
    with pytest.raises(browser.BrowserError, match="install the package chromium"):
        browser.shoot({}, tmp_path / "out.png")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(browser.BrowserError, match="install nodejs and npm"):
        browser.shoot({}, tmp_path / "out.png")
