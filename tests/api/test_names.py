"""Names that the schema takes are those that the API server and container runtimes take, and no others."""

import re

import pytest

from berth.api.base import DEVICE, DNS_SUBDOMAIN, ENV_NAME, IMAGE_NAME, IMAGE_REFERENCE, LABEL_KEY, OBJECT_KEY
from berth.api.demands import REGISTRY
from berth.verify.image import parse
from verify.test_image import REFERENCES, REFUSED

HOST_WITHOUT_DOT = "Registry/app"
"""The verifier takes it for a registry, policies for no image: so nobody may write it."""


def taken(text: str) -> bool:
    """Return whether the schema takes a text for an image."""
    return bool(re.fullmatch(IMAGE_REFERENCE, text) and re.fullmatch(IMAGE_NAME, text.partition("@")[0]))


@pytest.mark.parametrize("text", [*sorted(REFERENCES.keys() - {HOST_WITHOUT_DOT}), f"a/{'b' * 253}:{'t' * 128}"])
def test_an_image_that_the_verifier_reads_is_taken(text: str) -> None:
    assert parse(text)
    assert taken(text)


@pytest.mark.parametrize("text", [*REFUSED, HOST_WITHOUT_DOT, "registry.example/Shop/App:1", "a_b.c/x"])
def test_an_image_that_no_runtime_pulls_is_refused(text: str) -> None:
    assert not taken(text)


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        (DNS_SUBDOMAIN, ["a", "a.b", "a-b.c1"], ["a..b", "a.-b", "a-.b", ".a", "a.", "A"]),
        (LABEL_KEY, ["team", "example.com/team", "A_b.c"], ["a..b/x", "/x", "a/", "-a", "a/b/c"]),
        (DEVICE, ["nvidia.com/A100", "a/b"], ["-a/b", "a/b-", "a..b/c", "a", "a/"]),
        (REGISTRY, ["a/", "a.b:5000/c/d__e/"], ["a", "a..b/", "a:0/", "a:65536/", "a/B/", "a/b..c/", "a/b"]),
        (OBJECT_KEY, ["a", ".a", "a..b", "_", "1"], [".", "..", "..a", "a/b", ""]),
        (ENV_NAME, ["A", ".A", "_", "-a1"], [".", "..", "..A", "1A", ""]),
    ],
)
def test_names_are_as_the_api_server_wants_them(pattern: str, taken: list[str], refused: list[str]) -> None:
    assert [text for text in taken if not re.search(pattern, text)] == []
    assert [text for text in refused if re.search(pattern, text)] == []
