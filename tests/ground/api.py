"""Blocking calls to an API server: what the ground's own set-up code and tests need, nothing more."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import randrange
from time import monotonic, sleep
from typing import Any, TypeVar

import orjson
import urllib3
import yaml

from ground import parts

Json = dict[str, Any]
T = TypeVar("T")

APPLY = "application/apply-patch+yaml"
JSON = "application/json"
MERGE = "application/merge-patch+json"
FIELD_MANAGER = "ground"
POLL_SECONDS = 0.05
REQUEST_SECONDS = 60.0
FIRST_ERROR = 400


class ApiError(RuntimeError):
    """The API server said no: `code` is the HTTP status, `status` the Status object it sent."""

    def __init__(self, code: int, status: Json) -> None:
        """Keep the answer; the message is the server's own."""
        super().__init__(f"{code} {status.get('message', status)}")
        self.code = code
        self.status = status


@dataclass(frozen=True)
class Connection:
    """How to reach an API server, as a kubeconfig of the ground says: by certificate files or token, as somebody else."""

    server: str
    headers: dict[str, str]
    files: dict[str, str]
    """Its certificates, by the names that urllib3 has for them."""

    @property
    def tls(self) -> ssl.SSLContext:
        """Return a new context, for one thread alone."""
        tls = ssl.create_default_context(cafile=self.files["ca_certs"])
        if "cert_file" in self.files:
            tls.load_cert_chain(self.files["cert_file"], self.files["key_file"])
        return tls


def connection(kubeconfig: Path) -> Connection:
    """Read the only context of a kubeconfig that kwokctl or `identity` wrote: it impersonates at most one group."""
    content = yaml.safe_load(kubeconfig.read_text())
    cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
    files = {"ca_certs": cluster["certificate-authority"]}
    if "client-certificate" in user:
        files |= {"cert_file": user["client-certificate"], "key_file": user["client-key"]}
    headers = {"Authorization": f"Bearer {user['token']}"} if "token" in user else {}
    headers |= {"Impersonate-User": user["as"]} if "as" in user else {}
    headers |= {"Impersonate-Group": user["as-groups"][0]} if "as-groups" in user else {}
    return Connection(cluster["server"], headers, files)


@lru_cache(maxsize=64)
def _pool(kubeconfig: Path, _changed: int) -> tuple[Connection, urllib3.PoolManager]:
    found = connection(kubeconfig)
    # A connection that was kept may have been closed by the server just now: what may be said twice is said again.
    # An answer is an answer, also one that says when to ask again (429 while a new kind is made ready): it becomes an error.
    again = urllib3.Retry(
        total=2,
        connect=0,
        redirect=0,
        status=0,
        other=0,
        allowed_methods={"GET", "PATCH", "PUT"},
        respect_retry_after_header=False,
    )
    # Each connection gets a context of its own. urllib3 sets the protocols of a context anew with each connection, while
    # another thread may be copying them: then the server cannot read what the client says first.
    return found, urllib3.PoolManager(**found.files, maxsize=16, retries=again, timeout=REQUEST_SECONDS)


def call(kubeconfig: Path, method: str, path: str, body: object = None, content_type: str = JSON) -> Json:
    """Send one request, return the answer's JSON; a body of bytes goes as it is.

    Raises ApiError on 4xx and 5xx, urllib3's errors when the server cannot be reached.
    """
    reached, pool = _pool(kubeconfig, kubeconfig.stat().st_mtime_ns)
    headers = {"Accept": JSON, "Content-Type": content_type, **reached.headers}
    data = body if body is None or isinstance(body, bytes) else orjson.dumps(body)
    answer = pool.request(method, reached.server + path, body=data, headers=headers)
    return content_of(answer.status, answer.data)


def content_of(status: int, data: bytes) -> Json:
    """Return the JSON of an answer; plain text (health, an unknown path) becomes its message. Raises ApiError."""
    content: Json = orjson.loads(data) if data[:1] == b"{" else {"message": data.decode().strip()}
    if status >= FIRST_ERROR:
        raise ApiError(status, content)
    return content


def apply(kubeconfig: Path, path: str, body: Json | bytes) -> Json:
    """Apply one object (bytes: YAML) server-side at its own path; raises ApiError."""
    query = f"?fieldManager={FIELD_MANAGER}&force=true&fieldValidation=Strict"
    return call(kubeconfig, "PATCH", path + query, body, APPLY)


def history(kubeconfig: Path, path: str, since: str) -> list[Json]:
    """Return every state that the objects of a list went through after a resourceVersion, in order.

    The API server is asked until all was told that the list shows, and nothing more comes. Raises TimeoutError.
    """
    newest = max((version(each) for each in call(kubeconfig, "GET", path)["items"]), default=0)
    states: list[Json] = []

    def told() -> bool:
        last = states[-1]["metadata"]["resourceVersion"] if states else since
        more = _watched(kubeconfig, path, last)
        states.extend(more)
        return not more and int(last) >= newest

    eventually(told, REQUEST_SECONDS, f"all that became of {path} after {since}")
    return states


def version(found: Json) -> int:
    """Return the resourceVersion of an object: a later state of its kind has a higher one (KEP-5504)."""
    return int(found["metadata"]["resourceVersion"])


def _watched(kubeconfig: Path, path: str, since: str) -> list[Json]:
    reached = connection(kubeconfig)
    query = f"?watch=true&resourceVersion={since}&timeoutSeconds=1"
    with urllib3.PoolManager(ssl_context=reached.tls, retries=False) as pool:
        answer = pool.request("GET", reached.server + path + query, headers=reached.headers)
    return [orjson.loads(line)["object"] for line in answer.data.splitlines()]


def eventually(condition: Callable[[], T | None], seconds: float, what: str) -> T:
    """Return the first true answer of a condition; raises TimeoutError naming `what` after so many seconds.

    It also names every part of this process's clusters that does not run, and shows the end of its log.
    """
    deadline = monotonic() + seconds
    while not (answer := condition()):
        if monotonic() > deadline:
            message = f"not within {seconds:g} s: {what}{parts.ended()}"
            raise TimeoutError(message)
        sleep(POLL_SECONDS)
    return answer


def free_port() -> int:
    """Return a port of loopback that nobody listens at now, of those that the kernel gives nobody by itself."""
    while True:
        port = randrange(15000, 30000)
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
