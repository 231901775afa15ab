#!/usr/bin/env bash
# kubernetes 37.0.2 (Python): the leader election of kubernetes.aio cannot make its own Lease.
#
# LeaseLock.create passes True for "pretty", which the call it makes takes as a string only. So it ends in an error before
# anything is sent, and not in the False that it returns when the server says no: an election with it works only where
# somebody else has made the Lease. The lock of the synchronous client gets as far as the network. Seen, from the one
# and from the other, with nobody listening:
#   kubernetes.aio: ValidationError: pretty: Input should be a valid string
#   kubernetes: MaxRetryError
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
python3 -m venv "$dir/venv"
"$dir/venv/bin/pip" install --quiet --disable-pip-version-check kubernetes==37.0.2
"$dir/venv/bin/python" - <<'PY'
import asyncio

import kubernetes
from kubernetes import aio
from kubernetes.aio.leaderelection import leaderelectionrecord as aio_record
from kubernetes.aio.leaderelection.resourcelock import leaselock as aio_lock
from kubernetes.leaderelection import leaderelectionrecord as record
from kubernetes.leaderelection.resourcelock import leaselock as lock
from pydantic import ValidationError
from urllib3.exceptions import MaxRetryError

NOWHERE = "http://127.0.0.1:9"
RECORD = ("me", "15", "2026-01-01 00:00:00.500000", "2026-01-01 00:00:00.500000")


async def asynchronous():
    async with aio.client.ApiClient(aio.client.Configuration(host=NOWHERE)) as api:
        await aio_lock.LeaseLock("app", "default", "me", api).create(
            "app", "default", aio_record.LeaderElectionRecord(*RECORD)
        )


try:
    asyncio.run(asynchronous())
    raise SystemExit("it is made")
except ValidationError as error:
    (fault,) = error.errors()
    print(f"kubernetes.aio: ValidationError: {fault['loc'][0]}: {fault['msg']}")
    assert (fault["loc"], fault["type"], fault["input"]) == (("pretty",), "string_type", True)

kubernetes.client.Configuration.set_default(kubernetes.client.Configuration(host=NOWHERE, retries=0))
try:
    lock.LeaseLock("app", "default", "me").create("app", "default", record.LeaderElectionRecord(*RECORD))
    raise SystemExit("it is made")
except MaxRetryError as error:
    print(f"kubernetes: {type(error).__name__}")
PY
