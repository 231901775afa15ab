"""What lets people into a guest: exactly the credentials that the Workload names, handed over in the way it says."""

from typing import Any, Final

from berth.verify.model import Bounds, Credential
from berth.verify.rules import Rule
from berth.verify.table import Field, exactly


def _credential(given: Credential) -> dict[str, Any]:
    way = {"users": list(given.users)} if given.users else {}
    return {
        given.kind: {
            "source": {"secret": {"secretName": given.secret}},
            "propagationMethod": {given.way: way},
        }
    }


def _credentials(bounds: Bounds) -> list[dict[str, Any]] | None:
    return [_credential(given) for given in bounds.named.guest.credentials] or None


ACCESS_CREDENTIALS: Final[Field] = exactly(Rule.INLINE_SECRETS, _credentials)
"""All of KubeVirt's AccessCredential; the launcher mounts the Secrets that it names."""
