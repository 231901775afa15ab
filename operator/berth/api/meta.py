"""Names that Berth writes on objects: API group, labels, annotations, field manager."""

from typing import Final

GROUP: Final = "berth.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

FIELD_MANAGER: Final = "berth"
"""Owner of every field that Berth sets (server-side apply)."""

WORKLOAD_LABEL: Final = f"{GROUP}/workload"
"""On every child but a disk, and on every pod: the Workload's name. Selectors use it alone, so it never changes."""

DISK_LABEL: Final = f"{GROUP}/disk-of"
"""On every DataVolume, in place of the label above: CDI copies its labels to the pod that fills it (since CDI 1.63)."""

CLASS_LABEL: Final = f"{GROUP}/class"
"""On whatever backs a Workload: the IsolationClass it was rendered for."""

TENANT_LABEL: Final = f"{GROUP}/tenant"
"""On every pod: who shares a node with it (the tenant's name, else `ns.` and the namespace)."""

DESIRED_HASH_ANNOTATION: Final = f"{GROUP}/desired-hash"
"""On every child: hash of what Berth last wanted, so that a field it stopped wanting is noticed."""

MADE_FROM_ANNOTATION: Final = f"{GROUP}/made-from"
"""On every disk that is made: what it was made from, so that it is not taken for another one of its name."""

STORAGE_ANNOTATION: Final = f"{GROUP}/storage"
"""On the claim of a disk that was grown: the size that the Workload asked for then."""

PROBE_ANNOTATION: Final = f"{GROUP}/probe"
"""On an IsolationClass: another value asks for another probe of it."""

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
NAME_LABEL: Final = "app.kubernetes.io/name"

MAX_NAME_LENGTH: Final = 52
"""Longest Workload name: pods and pool members append up to 11 characters to it, within 63."""
