"""Fields that refer to other objects: to those that the Workload itself names, in its own namespace."""

from collections.abc import Callable
from typing import Any

from berth.verify.model import Bounds
from berth.verify.rules import Rule
from berth.verify.shapes import flag, relative_path, text
from berth.verify.table import Complaint, Field, Table, allow, derive, each, inside, shown, table


def _one_of(what: str, names: Callable[[Bounds], frozenset[str]], *, needed: bool = True) -> Field:
    """Return the name of an object of the Workload; it must be there when it is `needed`."""

    def check(value: Any, bounds: Bounds) -> Complaint:
        if isinstance(value, str) and value in names(bounds):
            return None
        return f"refers to {what} {shown(value)}, which the Workload does not name: remove it"

    return derive(Rule.REFERENCES, check, (lambda _: f"is missing: name a {what} of the Workload") if needed else None)


SECRET_NAME = _one_of("Secret", lambda bounds: bounds.named.secrets)
PULL_SECRET_NAME = _one_of("Secret", lambda bounds: bounds.named.secrets, needed=False)
CONFIG_MAP_NAME = _one_of("ConfigMap", lambda bounds: bounds.named.config_maps)
CLAIM_NAME = _one_of("PersistentVolumeClaim", lambda bounds: bounds.named.claims)
DISK_NAME = _one_of("DataVolume", lambda bounds: bounds.named.disks)
SECRET = table({"name": SECRET_NAME})
CONFIG_MAP = table({"name": CONFIG_MAP_NAME})

_NOT_WRITTEN = {Rule.NOT_WRITTEN: ("defaultMode", "defaultUser")}
_ITEM = table(
    {"key": allow(text), "path": allow(relative_path, Rule.SUB_PATH)}, deny={Rule.NOT_WRITTEN: ("mode", "user")}
)


def _key(name: Field) -> Table:
    return table({"name": name, "key": allow(text), "optional": allow(flag)})


def _all_keys(name: Field) -> Table:
    return table({"name": name, "optional": allow(flag)})


CONFIG_MAP_KEY = _key(CONFIG_MAP_NAME)
SECRET_KEY = _key(SECRET_NAME)
ENV_FROM = table(
    {
        "prefix": allow(text),
        "configMapRef": inside(_all_keys(CONFIG_MAP_NAME)),
        "secretRef": inside(_all_keys(SECRET_NAME)),
    }
)
PULL_SECRETS = each(SECRET)
CONFIG_MAP_VOLUME = table({"name": CONFIG_MAP_NAME, "items": each(_ITEM), "optional": allow(flag)}, deny=_NOT_WRITTEN)
SECRET_VOLUME = table({"secretName": SECRET_NAME, "items": each(_ITEM), "optional": allow(flag)}, deny=_NOT_WRITTEN)
CLAIM_VOLUME = table({"claimName": CLAIM_NAME, "readOnly": allow(flag)})
