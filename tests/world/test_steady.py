"""What others write is told in words that are the same at every moment."""

from collections.abc import Callable

import pytest

from berth.world import children
from berth.world.autoscaler import unable
from berth.world.steady import steady
from berth.world.storage import resizing
from world.raws import Raw, a_raw, condition, conditions, waiting

X509 = (
    "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time {} is after {}"
)
ENDED = "2026-11-01T00:00:00Z"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2026-11-30T15:44:04.123Z boom", "boom"),
        ("2026-11-30T15:44:04+01:00 boom", "boom"),
        ("2026/11/30 15:44:04 [emerg] 1#1: boom", "[emerg] 1#1: boom"),
        ("2026-11-30 15:44:04.120 UTC [1] FATAL:  boom", "[1] FATAL:  boom"),
        ("2026-11-30 15:44:04,120 ERROR boom", "ERROR boom"),
        ("2026-11-30 15:44:04.123456 +0000 UTC m=+0.012 boom", "boom"),
        ("E1130 15:44:04.123456       1 main.go:12] boom", "main.go:12] boom"),
        ("15:44:04.120 [main] ERROR boom", "[main] ERROR boom"),
        ("1:M 30 Nov 2026 15:44:04.123 # boom", "1:M # boom"),
        ("Nov 30 15:44:04 db: boom", "db: boom"),
        ("Mon Nov 30 15:44:04 2026 boom", "boom"),
        ("Mon, 30 Nov 2026 15:44:04 GMT boom", "boom"),
        ("[30/Nov/2026:15:44:04 +0000] boom", "[] boom"),
        ('{"level":"error","ts":1764517444.12,"msg":"boom"}', '{"level":"error","msg":"boom"}'),
        ('{"level":50,"time":1764517444120,"msg":"boom"}', '{"level":50,"msg":"boom"}'),
        ("1.764517444e+09\tERROR\tboom", "ERROR\tboom"),
        ('{"time":"2026-11-30T15:44:04Z","level":"error","msg":"boom"}', '{"time":"","level":"error","msg":"boom"}'),
        ("read tcp 10.1.2.3:41234->10.96.0.3:5432: reset", "read tcp 10.96.0.3:5432: reset"),
        ("<Pool object at 0x7f3a5c1d2e80> boom", "<Pool object at > boom"),
    ],
)
def test_what_a_program_writes_is_told_without_times_ports_and_addresses_in_memory(written: str, told: str) -> None:
    assert steady(written) == told


@pytest.mark.parametrize(
    "text",
    [
        "migration 17 failed after 3 tries, 1073741824 bytes are needed",
        "listen tcp 0.0.0.0:8080: bind: address already in use",
        "interface 00:16:23:12:34:56 is not there",
        f"current time is after {ENDED}",
        "schema 20261130154404 is older than 20261201000000",
        "signal: segmentation fault code=0x1 addr=0x0",
        "lookup db on 10.96.0.10:53: no such host",
    ],
)
def test_numbers_that_mean_something_stay(text: str) -> None:
    assert steady(text) == text


def of_pod(status: Raw) -> str:
    """Return what is wrong with a pod of this status."""
    (found,) = children.pod(a_raw("Pod", status=status)).troubles
    return found.problem.message


def pulled(now: str) -> str:
    """Return what is told of an image whose registry has a certificate that has expired."""
    said = f'failed to do request: Head "https://r.example/v2/": {X509.format(now, ENDED)}'
    return of_pod(waiting("ErrImagePull", said))


def refused(used: str) -> str:
    """Return what is told of a pod that its node did not take."""
    said = f"Pod was rejected: Node didn't have enough resource: cpu, requested: 500, used: {used}, capacity: 4000"
    return of_pod({"phase": "Failed", "reason": "OutOfcpu", "message": said})


def crashed(now: str) -> str:
    """Return what is told of a program that writes times as klog does."""
    end = {"exitCode": 1, "reason": "Error", "message": f"E1130 {now}       1 main.go:12] boom"}
    return of_pod({"phase": "Running", "containerStatuses": [{"name": "main", "state": {"terminated": end}}]})


def not_created(now: str) -> str:
    """Return what is told of a container that its runtime does not make."""
    return of_pod(waiting("CreateContainerError", f"{now} shim: no such device"))


def synchronized(now: str) -> str:
    """Return what is told of a guest that does not begin."""
    said = f"server error. command SyncVMI failed: LibvirtError(Code=1, Message='{now} qemu-kvm: no such device')"
    unsynchronized = condition("Synchronized", "False", "Synchronizing with the Domain failed.", said)
    found = children.machine(a_raw("VirtualMachineInstance", status=conditions(unsynchronized))).problem
    return found.message if found else ""


def scaled(now: str) -> str:
    """Return what is told of an autoscaler that reads no metrics."""
    said = condition("ScalingActive", "False", "FailedGetResourceMetric", X509.format(now, ENDED))
    found = unable(conditions(said))
    return found.message if found else ""


def grown(now: str) -> str:
    """Return what is told of a claim that does not grow."""
    return resizing(conditions(condition("ControllerResizeError", message=f"{now} the pool is full")))


NOON, LATER = "2026-11-30T12:00:00.120000Z", "2026-11-30T15:49:11.000001Z"


@pytest.mark.parametrize(
    ("tells", "moments", "told"),
    [
        (pulled, (NOON, LATER), f"current time is after {ENDED}"),
        (refused, ("3900", "3750"), "cpu, requested: 500, capacity: 4000"),
        (crashed, ("15:44:04.123456", "15:45:11.000001"), "(Error): main.go:12] boom;"),
        (not_created, (NOON, LATER), "created: shim: no such device"),
        (synchronized, (NOON, LATER), "'qemu-kvm: no such device"),
        (scaled, (NOON, LATER), f"current time is after {ENDED}"),
        (grown, (NOON, LATER), "the pool is full"),
    ],
)
def test_a_failure_that_is_tried_again_is_told_in_the_same_words(
    tells: Callable[[str], str], moments: tuple[str, str], told: str
) -> None:
    first, second = map(tells, moments)
    assert first == second
    assert told in first
