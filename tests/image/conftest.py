"""The image, built for these tests as `make image` builds it, and its files."""

import os
from pathlib import Path

import pytest

from image import build, run, storage
from image.layout import Image

PLANTED = "planted.invalid"
"""A host that pip is told of while the image is built: nothing of it may be left."""


@pytest.fixture(scope="session")
def image() -> Image:
    """The image of this checkout; skipped where it cannot be built, unless BERTH_IMAGE=required."""
    if reason := storage.missing():
        if os.environ.get("BERTH_IMAGE") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_TRUSTED_HOST", PLANTED)
        return build.build(say=lambda *_: None)


@pytest.fixture(scope="session")
def root(image: Image) -> Path:
    """The files of the image."""
    return run.unpacked(image)
