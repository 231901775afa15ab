"""The site is built without a warning, has every page, and no link in it leads nowhere."""

import os
import posixpath
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from dashboards.rules import text as rules
from docs.pages import PAGES, REPOSITORY

SETTINGS = REPOSITORY / "mkdocs.yml"
HOSTS = {"berth.dev"}
"""Whom the pages may link to."""


class Anatomy(HTMLParser):
    """What a page of the site links to, and the anchors that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = {""}
        self.feed(page.read_text())

    def handle_starttag(self, _tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.anchors |= {given[name] or "" for name in ("id", "name") if name in given}
        self.targets += [given[name] or "" for name in ("href", "src") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY / "tests"), "NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr
    return folder


@pytest.fixture(scope="module")
def anatomies(site: Path) -> dict[Path, Anatomy]:
    # 404.html is served in place of any page, so its links begin at the root of the host.
    return {page: Anatomy(page) for page in site.rglob("*.html") if page.name != "404.html"}


def named(nav: object) -> Iterator[str]:
    """Yield the pages that a part of the navigation names."""
    if isinstance(nav, str):
        yield nav
    for each in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from named(each)


def led_to(site: Path, page: Path, target: str) -> tuple[Path, str]:
    """Return file and anchor that a link within the site leads to."""
    parts = urlsplit(target)
    path = Path(posixpath.normpath(page.parent / unquote(parts.path))) if parts.path else page
    return path / "index.html" if path.is_dir() else path, unquote(parts.fragment)


def test_every_page_is_in_the_navigation_once() -> None:
    nav = yaml.load(SETTINGS.read_text(), yaml.BaseLoader)["nav"]
    of_docs = sorted(each for each in named(nav) if not each.startswith("repository/"))
    docs = REPOSITORY / "docs"
    assert of_docs == sorted(str(page.relative_to(docs)) for page in docs.rglob("*.md"))


def test_no_link_and_no_image_leads_nowhere(site: Path, anatomies: dict[Path, Anatomy]) -> None:
    dead = []
    for page, anatomy in anatomies.items():
        for target in anatomy.targets:
            if urlsplit(target).scheme:
                continue
            path, anchor = led_to(site, page, target)
            there = anatomies[path].anchors if path in anatomies else {""} if path.is_file() else set()
            if anchor not in there:
                dead.append(f"{page.relative_to(site)}: {target}")
    assert dead == []
    assert len(anatomies) > len(PAGES) / 2


def test_every_alert_leads_to_its_page(site: Path) -> None:
    base = yaml.load(SETTINGS.read_text(), yaml.BaseLoader)["site_url"]
    urls = [line.split()[-1] for line in rules().splitlines() if "runbook_url" in line]
    assert urls
    assert [url for url in urls if not (site / url.removeprefix(base) / "index.html").is_file()] == []


def test_nothing_is_fetched_from_elsewhere_when_a_page_is_read(site: Path) -> None:
    loading = ('src="http', 'rel="stylesheet" href="http', "url(http", "fonts.googleapis")
    assert [page for page in site.rglob("*.html") for each in loading if each in page.read_text()] == []


def test_links_to_elsewhere_go_to_hosts_that_we_know(anatomies: dict[Path, Anatomy]) -> None:
    found = {urlsplit(each) for anatomy in anatomies.values() for each in anatomy.targets}
    assert {each.netloc for each in found if each.scheme} <= HOSTS
