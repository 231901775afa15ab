"""What a refusal of the API server means: its words, whether time may heal it, and whether it is one at all."""

from typing import Final

from berth.api.reasons import Reason
from berth.kube import errors
from berth.world.steady import steady

_MAX_WORDS: Final = 700
_QUOTA: Final = "exceeded quota"
_HEALS: Final = (_QUOTA, "not found", "does not exist", "failed calling webhook", "timed out", "deadline exceeded")
"""What is in a refusal that ends once an object is there, a quota is freed or a webhook answers."""
_SERVER_ERRORS: Final = 500


def words(error: errors.ApiError) -> str:
    """Return what the API server answered, without what moves by itself, cut where it is long."""
    return steady(error.message)[:_MAX_WORDS]


def reason(error: errors.ApiError) -> Reason:
    """Return the reason to tell for what was to be stored and was refused."""
    return Reason.WAITING_FOR_QUOTA if _QUOTA in error.message else Reason.CHILD_REJECTED


def is_verdict(error: errors.ApiError) -> bool:
    """Return whether a dry run was answered: also a server that failed has, as its webhooks failed it."""
    return not isinstance(error, errors.Unavailable) or error.status >= _SERVER_ERRORS


def heals(error: errors.ApiError) -> bool:
    """Return whether time may heal a refusal; else the object has to change, or what refuses it."""
    return isinstance(error, (errors.NotFound, errors.Unavailable)) or any(each in error.message for each in _HEALS)


def verdict(error: errors.ApiError) -> Reason:
    """Return the reason to tell for what was refused in a dry run."""
    found = reason(error)
    return Reason.NOT_ADMITTED if heals(error) and found is Reason.CHILD_REJECTED else found
