"""The certificate of the preview, read again when its files change: who issues it renews it long before it ends."""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Final

from berth.app.settings import PreviewSettings

log: Final = logging.getLogger(__name__)


class Certificate:
    """A TLS context for connections that begin from now on.

    Raises OSError (ssl.SSLError among them) where its files cannot be read at the start.
    """

    def __init__(self, settings: PreviewSettings) -> None:
        self._files = (settings.preview_certificate, settings.preview_key)
        self._seconds = settings.preview_reload_seconds
        self._seen = _state(self._files)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(*self._files)
        if settings.preview_client_ca is not None:
            self.context.load_verify_locations(settings.preview_client_ca)
            self.context.verify_mode = ssl.CERT_REQUIRED

    async def keep_fresh(self) -> None:
        """Look for changed files for ever."""
        while True:
            await asyncio.sleep(self._seconds)
            self.reload()

    def reload(self) -> bool:
        """Read the files again if they have changed; return whether they were. What cannot be read changes nothing."""
        try:
            found = _state(self._files)
            if found == self._seen:
                return False
            # In a context of its own first: a certificate that does not fit its key would spoil the one in use.
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*self._files)
            self.context.load_cert_chain(*self._files)
        except OSError as error:
            log.warning("the certificate has changed and cannot be read, the former one is used: %s", error)
            return False
        self._seen = found
        log.info("the certificate was read again")
        return True


def _state(files: tuple[Path, ...]) -> tuple[tuple[int, int, int], ...]:
    """Return what changes with the files, through the links by which kubelet swaps the files of a Secret."""
    return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in (file.stat() for file in files))
