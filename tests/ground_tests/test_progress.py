"""Builds are counted, and what is left is estimated from what was measured, at the pace of this machine."""

import pytest

from ground.progress import SECONDS, Progress, words
from ground.toolchain import BUILT

CONTROL_PLANE = [name for module in BUILT for name in module.packages]


def test_what_is_measured_is_what_a_control_plane_is_built_of() -> None:
    assert set(CONTROL_PLANE) <= SECONDS.keys()


def test_the_first_line_is_the_estimate_of_two_idle_cores() -> None:
    minutes = round(sum(SECONDS[name] for name in CONTROL_PLANE) / 60)
    assert Progress(CONTROL_PLANE).line(0.0) == f"1 of 7, about {minutes} minutes more"


def test_a_machine_that_is_half_as_fast_is_given_twice_the_time() -> None:
    progress = Progress(["etcd", "kwok", "kube-apiserver"], {"etcd": 2 * SECONDS["etcd"]})
    assert progress.left(0.0) == pytest.approx(2 * (SECONDS["kwok"] + SECONDS["kube-apiserver"]))
    assert progress.line(0.0).startswith("2 of 3, about 12 minutes more")


def test_the_time_of_a_build_under_way_counts_down() -> None:
    progress = Progress(["kube-apiserver"])
    assert progress.left(0.0) - progress.left(100.0) == pytest.approx(100.0)


def test_a_build_that_takes_longer_than_thought_makes_the_rest_longer() -> None:
    progress = Progress(["kube-apiserver", "kubectl"])
    late = 3 * SECONDS["kube-apiserver"]
    assert progress.left(late) == pytest.approx(3 * SECONDS["kubectl"])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "less than a minute more"),
        (29, "less than a minute more"),
        (70, "about 1 minute more"),
        (240, "about 4 minutes more"),
    ],
)
def test_what_is_left_is_told_in_minutes(seconds: float, text: str) -> None:
    assert words(seconds) == text
