"""kopf watches and never writes."""

from itertools import islice
from typing import Any

import kopf
import pytest

from berth.app.feeds import registry
from berth.app.kopf_settings import Forever, kopf_settings
from berth.app.watch_lines import Echoes
from berth.kube.resources import OWN
from berth.world.store import Store

BODY: dict[str, Any] = {"metadata": {"name": "web", "namespace": "shop", "annotations": {}}, "spec": {"a": 1}}


def test_no_progress_is_stored_or_read() -> None:
    storage, patch, body = kopf_settings().persistence.progress_storage, kopf.Patch(), kopf.Body(BODY)
    record: Any = {"started": "now", "retries": 1}
    assert storage.fetch(key="x", body=body) is None
    storage.store(key="x", record=record, body=body, patch=patch)
    storage.touch(body=body, patch=patch, value="x")
    storage.purge(key="x", body=body, patch=patch)
    storage.flush()
    assert dict(patch) == {}


def test_no_last_handled_state_is_stored_or_read() -> None:
    storage, patch, body = kopf_settings().persistence.diffbase_storage, kopf.Patch(), kopf.Body(BODY)
    assert storage.fetch(body=body) is None
    assert storage.build(body=body) == {}
    essence: Any = {"spec": {}}
    storage.store(body=body, patch=patch, essence=essence)
    assert dict(patch) == {}


def test_nobody_can_hold_an_object_by_the_frameworks_finalizer() -> None:
    """Its usual name on an object would have kopf try to remove it for ever, and see nothing else of that object."""
    names = [kopf_settings().persistence.finalizer for _ in range(2)]
    assert names[0] != names[1]
    assert not any("kopf" in name.lower() for name in names)


def test_nothing_is_posted_and_no_peers_are_looked_for() -> None:
    settings = kopf_settings()
    assert settings.posting.enabled is False
    assert settings.peering.standalone is True
    assert settings.scanning.disabled is True
    assert settings.watching.initial_streaming is False


def test_a_watch_never_gives_up() -> None:
    waits = Forever()
    assert list(islice(waits, 100)) == list(islice(waits, 100))
    assert 0 < max(islice(waits, 100)) <= 10


@pytest.mark.parametrize("state", ["_changing", "_spawning", "_indexing", "_webhooks"])
def test_no_handler_keeps_state_on_objects_or_blocks_them(state: str) -> None:
    handlers = registry(None, Store(lambda _: None, lambda: None), Echoes())  # type: ignore[arg-type]
    assert getattr(handlers, state).get_all_handlers() == []
    assert len(handlers._watching.get_all_handlers()) == len(OWN)
