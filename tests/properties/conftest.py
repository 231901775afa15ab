"""The API server of the API tests, for what is asked of both it and Python."""

from api.conftest import kubeconfig

__all__ = ["kubeconfig"]
