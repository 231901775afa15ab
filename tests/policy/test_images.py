"""Image references: what they name in full, and which are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from berth.policy.images import parse_image

PIN = "sha256:" + "0123456789abcdef" * 4

NAMED = [
    ("nginx", "docker.io/library/nginx"),
    ("nginx:1.27", "docker.io/library/nginx"),
    ("acme/api", "docker.io/acme/api"),
    ("docker.io/nginx", "docker.io/library/nginx"),
    ("index.docker.io/acme/api", "docker.io/acme/api"),
    ("registry.example/acme/api:1.9", "registry.example/acme/api"),
    ("registry.example:5000/acme/api:1.9", "registry.example:5000/acme/api"),
    ("Registry.Example/acme/api", "registry.example/acme/api"),
    ("localhost/api", "localhost/api"),
    (f"registry.example/acme/api@{PIN}", "registry.example/acme/api"),
    (f"registry.example/acme/api:1@{PIN}", "registry.example/acme/api"),
]


@pytest.mark.parametrize(("text", "repository"), NAMED)
def test_what_an_image_names(text: str, repository: str) -> None:
    found = parse_image(text)
    assert found is not None
    assert found.repository == repository
    assert found.pinned == ("@" in text)


NO_IMAGES = [
    "",
    "registry.example/acme/../evil/api",
    "registry.example//api",
    "registry.example/acme/api@sha256:short",
    f"registry.example/acme/api@md5:{'0' * 32}",
    f"registry.example/acme/api@{PIN}@{PIN}",
    "registry.example/acme/API",
    "registry.example/acme/api:tag with space",
    "registry.ex\u0430mple/acme/api",  # a Cyrillic letter that looks like a Latin one
    "registry.example/acme/api\n",
    "registry.example/acme/api\x00",
    "registry.example@evil.example/acme/api",
    "https://registry.example/acme/api",
]


@pytest.mark.parametrize("text", NO_IMAGES)
def test_what_is_no_image(text: str) -> None:
    assert parse_image(text) is None


@given(text=st.text(st.sampled_from("ab.:/@-_\u0430 \nA0"), max_size=24))
def test_whatever_is_written_names_one_host_and_one_path_or_nothing(text: str) -> None:
    found = parse_image(text)
    if found is not None:
        host, _, path = found.repository.partition("/")
        assert host
        assert all(part and part != ".." for part in path.split("/"))
        assert found.repository.isascii()
        assert "@" not in found.repository
