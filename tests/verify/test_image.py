"""Images: every text is read for one image or for none, and prefixes count whole parts of host and path."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from berth.verify.check import verify
from berth.verify.image import Reference, image, parse
from berth.verify.model import Images
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import golden_bounds
from verify.change import changed, path_of

HEX = "0123456789abcdef" * 4
DIGEST = f"sha256:{HEX}"
REFERENCES = {
    "nginx": Reference("docker.io", ("library", "nginx"), None, None),
    "nginx:1.27": Reference("docker.io", ("library", "nginx"), "1.27", None),
    "acme/app": Reference("docker.io", ("acme", "app"), None, None),
    "docker.io/nginx": Reference("docker.io", ("library", "nginx"), None, None),
    "index.docker.io/acme/app:1": Reference("docker.io", ("acme", "app"), "1", None),
    "registry.example/app": Reference("registry.example", ("app",), None, None),
    "registry.example:5000/a/b:1": Reference("registry.example:5000", ("a", "b"), "1", None),
    "localhost/app": Reference("localhost", ("app",), None, None),
    "Registry/app": Reference("Registry", ("app",), None, None),
    "10.0.0.1:5000/app": Reference("10.0.0.1:5000", ("app",), None, None),
    f"registry.example/a@{DIGEST}": Reference("registry.example", ("a",), None, DIGEST),
    f"registry.example/a:1@{DIGEST}": Reference("registry.example", ("a",), "1", DIGEST),
    "registry:5000": Reference("docker.io", ("library", "registry"), "5000", None),
    "registry.example/a__b/c-d/e.f": Reference("registry.example", ("a__b", "c-d", "e.f"), None, None),
}
"""Texts, and the images that they are."""
REFUSED = (
    *("", " ", "/", ":", "@", ":1", "/app", "app/", "a//b", "app:", "app@", "a:b:c", "registry.example/"),
    *("registry.example/App", "registry.example/a b", "registry.example/a\n", "\nregistry.example/a", "a\x00b"),
    *("registry.example/../x", "registry.example/./x", "registry.example/a..b", "registry.example/-a", "a/_b"),
    *("registry.example:/x", "registry.example:0/x", "registry.example:65536/x", "registry.example:05000/x"),
    *("registry.example:5000:1/x", "-registry.example/x", "registry..example/x", ".example/x", "example./x"),
    *("user@registry.example/x", "https://registry.example/x", "registry.example/x?y", "registry.example/x#y"),
    *("[::1]:5000/x", "[2001:db8::1]/x", "registry.example/x%2fy", "registry.example\\x", "registry.example/x:-1"),
    *(
        "r\u0435gistry.example/x",
        "registry.example/\u0430cme/x",
        "registry\uff0eexample/x",
        "registry.example\u2024a/x",
    ),
    *(
        "registry.example/x:\u0661",
        "registry.example:\u0665000/x",
        "registry.example/x\u200b",
        "registry.example/\u212a",
    ),
    *(
        f"x@sha256:{HEX[:-1]}",
        f"x@sha256:{HEX}0",
        f"x@sha256:{HEX.upper()}",
        f"x@sha512:{HEX * 2}",
        f"x@md5:{HEX[:32]}",
    ),
    *(f"x@{DIGEST}@{DIGEST}", f"x@{DIGEST}:1", f"x@{DIGEST}\n", f"x:{'a' * 129}", "registry.example/" + "a" * 255),
)
"""Texts that are no image."""
BOUNDS = golden_bounds("container-minimal")
ACME = Images(("registry.example/acme/",), digest=False, by="Tenant acme")


def allowed(text: str, *rules: Images) -> bool:
    """Return whether an image that the Workload names may run under some rules."""
    named = replace(BOUNDS.named, images=frozenset({text}))
    return image(text, replace(BOUNDS, named=named, images=rules)) is None


def from_any_of(*prefixes: str) -> Images:
    return Images(prefixes, digest=False, by="Tenant acme")


@pytest.mark.parametrize(("text", "reference"), REFERENCES.items())
def test_a_reference_is_read_as_container_runtimes_read_it(text: str, reference: Reference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="has a"):
        parse(text)
    assert not allowed(text)


@pytest.mark.parametrize(
    ("prefix", "text", "may"),
    [
        ("registry.example/acme/", "registry.example/acme/x:1", True),
        ("registry.example/acme/", "registry.example/acme/a/b", True),
        ("registry.example/acme", "registry.example/acme/x", True),
        ("registry.example/acme", "registry.example/acme", True),
        ("registry.example", "registry.example/x", True),
        ("registry.example/", "registry.example/a/b", True),
        ("registry.example/acme/", "registry.example/acme-evil/x", False),
        ("registry.example/acme", "registry.example/acme-evil/x", False),
        ("registry.example/acme/", "registry.example/acm/e/x", False),
        ("registry.example/acme/", "registry.example.evil/acme/x", False),
        ("registry.example", "registry.example.evil/x", False),
        ("registry.example/acme/", "evil.example/registry.example/acme/x", False),
        ("registry.example/acme/", "registry.example/x/acme/y", False),
        ("registry.example/acme/", "registry.example:5000/acme/x", False),
        ("registry.example:5000/acme/", "registry.example/acme/x", False),
        ("registry.example:5000/acme/", "registry.example:5000/acme/x", True),
        ("registry.example/acme/", "Registry.Example/acme/x", False),
        ("registry.example/acme/", "acme/x", False),
        ("docker.io/acme/", "acme/x", True),
        ("acme/", "acme/x", True),
        ("acme/", "docker.io/acme/x", True),
        ("acme/", "registry.example/acme/x", False),
        ("docker.io/library/", "nginx", True),
        ("docker.io", "nginx", True),
        ("index.docker.io/library", "docker.io/nginx", True),
        ("docker.io/acme/", "nginx", False),
        ("", "nginx", False),
        ("/", "nginx", False),
        ("//", "registry.example/x", False),
        ("registry.example//", "registry.example/x", False),
        ("registry.example/*", "registry.example/x", False),
        ("registry.example/acme/..", "registry.example/acme/x", False),
    ],
)
def test_a_prefix_counts_whole_parts(prefix: str, text: str, may: bool) -> None:
    """A prefix that is none allows nothing."""
    assert allowed(text, from_any_of(prefix)) == may
    assert allowed(text, from_any_of("other.example/x", prefix)) == may


def test_no_registries_is_none_and_any_is_any() -> None:
    assert not allowed("nginx", Images((), digest=False, by="Tenant acme"))
    assert allowed("nginx", Images(None, digest=False, by="Tenant acme"))


def test_all_rules_hold_at_once() -> None:
    """A tenant's registries and a policy's digest do not replace each other."""
    digest = Images(None, digest=True, by="IsolationPolicy pci")
    assert allowed(f"registry.example/acme/x@{DIGEST}", ACME, digest)
    assert not allowed("registry.example/acme/x:1", ACME, digest)
    assert not allowed(f"registry.example/other/x@{DIGEST}", ACME, digest)
    assert not allowed("registry.example/acme/x:1", ACME, from_any_of("registry.example/shop/"))


def test_an_image_that_the_workload_does_not_name_never_runs() -> None:
    """Even from an allowed registry."""
    complaint = image("registry.example/acme/other:1", replace(BOUNDS, images=(ACME,)))
    assert complaint
    assert "does not name" in complaint


@pytest.mark.parametrize(
    ("case", "path"),
    [
        ("container-full", "spec.template.spec.containers.0.image"),
        ("container-full", "spec.template.spec.initContainers.0.image"),
        ("machine-disks", "spec.template.spec.volumes.2.containerDisk.image"),
    ],
)
def test_the_rules_hold_for_every_place_that_has_an_image(case: str, path: str) -> None:
    body, bounds = golden.children(case)[-1], golden_bounds(case)
    strict = replace(bounds, images=(from_any_of("elsewhere.example"),))
    assert {each.rule for each in verify(body, strict)} == {Rule.IMAGES}
    gone = changed(body, path_of(path), "elsewhere.example/x:1")
    assert {each.rule for each in verify(gone, bounds)} == {Rule.IMAGES}


LABELS = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,6}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=2, max_size=3).map(".".join) | st.just("localhost")
PORTS = st.integers(1, 65535).map(lambda port: f":{port}") | st.just("")
PARTS = st.lists(st.from_regex(r"[a-z0-9]+((\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True), min_size=1, max_size=4)
TAGS = st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,8}", fullmatch=True) | st.just("")
DIGESTS = st.sampled_from(["", f"@{DIGEST}"])


@given(HOSTS, PORTS, PARTS, TAGS, DIGESTS)
def test_every_well_formed_reference_is_taken_apart_and_put_together_again(
    host: str, port: str, parts: list[str], tag: str, digest: str
) -> None:
    found = parse(f"{host}{port}/{'/'.join(parts)}{tag}{digest}")
    assert (found.host, found.path) == (host + port, tuple(parts))
    assert (found.tag, found.digest) == (tag[1:] or None, digest[1:] or None)


@given(HOSTS, PORTS, PARTS, TAGS, st.text(st.characters(min_codepoint=1), min_size=1, max_size=3), st.data())
def test_no_character_put_in_makes_it_an_image_of_an_allowed_prefix_that_it_was_not(
    host: str, port: str, parts: list[str], tag: str, put: str, data: st.DataObject
) -> None:
    """Whatever is put anywhere: what is taken lies below the prefix by a plain comparison of texts, too."""
    text = f"{host}{port}/{'/'.join(parts)}{tag}"
    at = data.draw(st.integers(0, len(text)))
    odd = f"{text[:at]}{put}{text[at:]}"
    prefix = f"{host}{port}/{parts[0]}/"
    if allowed(odd, from_any_of(prefix)):
        assert odd.isascii()
        assert odd.startswith((prefix, f"{prefix[:-1]}:", f"{prefix[:-1]}@")) or odd == prefix[:-1]


@given(st.text(max_size=80) | st.from_regex(r"[a-z./:@\-_A-Z0-9]{0,60}", fullmatch=True))
@example("a@")
@example("a:")
@example(":a/b")
def test_every_text_is_read_or_refused_and_never_anything_else(text: str) -> None:
    try:
        found = parse(text)
    except ValueError:
        assert not allowed(text)
        return
    again = parse(
        "/".join((found.host, *found.path))
        + (f":{found.tag}" if found.tag else "")
        + (f"@{found.digest}" if found.digest else "")
    )
    assert again == found
    assert text.isascii()
    assert text == text.strip()
    assert all(left != "/" or right != "/" for left, right in pairwise(text))
