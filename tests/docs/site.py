"""A hook of MkDocs: what the pages link to outside docs/ becomes a part of the site, under repository/.

On GitHub such a link leads to the file itself; in the site it leads to a copy, so that no link leads nowhere.
"""

import posixpath
import re
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.pages import REPOSITORY, links

_DOCS: Final = REPOSITORY / "docs"
_TARGET: Final = re.compile(r"^```.*?^```$|`[^`\n]+`|(?<=\]\()(?P<target>[^)\s#]+)", re.MULTILINE | re.DOTALL)


def uri(path: Path) -> str:
    """Return where a file of the repository is in the site's sources."""
    if path.is_relative_to(_DOCS):
        return path.relative_to(_DOCS).as_posix()
    return f"repository/{path.relative_to(REPOSITORY).as_posix()}"


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add what the pages link to outside docs/, and what is linked from there."""
    pages = [Path(str(page.abs_src_path)) for page in files.documentation_pages()]
    while pages:
        for path, _ in links(pages.pop()):
            if path.is_file() and uri(path) not in files.src_uris:
                files.append(File.generated(config, uri(path), abs_src_path=str(path)))
                pages += [path] if path.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have every link lead to where its file is in the site."""
    real = Path(str(page.file.abs_src_path)).parent

    def moved(found: re.Match[str]) -> str:
        target = found["target"]
        if target is None or "://" in target or not (path := (real / target).resolve()).is_file():
            return found[0]
        return posixpath.relpath(uri(path), posixpath.dirname(page.file.src_uri))

    return _TARGET.sub(moved, markdown)
