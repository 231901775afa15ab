"""A certificate that a process serves with, read again when its files change, for it is renewed before it ends."""

import asyncio
import logging
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

log: Final = logging.getLogger(__name__)

_OWN_DAYS: Final = 3650
_BACKDATED: Final = timedelta(hours=1)
"""Clocks of those who connect may be behind."""


class Certificate:
    """A TLS context for connections that begin from now on.

    Raises OSError (ssl.SSLError among them) or ValueError where its files cannot be read at the start.
    """

    def __init__(self, certificate: Path, key: Path, seconds: float, client_ca: Path | None = None) -> None:
        """`seconds` lie between looks at the files; `client_ca` must have signed clients, anyone may ask without."""
        self._files = (certificate, key)
        self._seconds = seconds
        self._seen = _state(self._files)
        self.expires = _end_of(certificate)
        """When it ends, in seconds since the epoch."""
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_cert_chain(*self._files)
        if client_ca is not None:
            self.context.load_verify_locations(client_ca)
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
            self.expires = _end_of(self._files[0])
        except (OSError, ValueError) as error:
            log.warning("the certificate has changed and cannot be read, the former one is used: %s", error)
            return False
        self._seen = found
        log.info("the certificate was read again")
        return True


def self_signed(name: str, now: datetime) -> Certificate:
    """Return a certificate that this process made for itself, for ten years: it hides what is said, and proves nothing.

    controller-runtime serves its metrics so where it is given none.
    """
    from cryptography import x509  # noqa: PLC0415  ten megabytes, for those who serve by HTTPS
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=_OWN_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    # A TLS context takes files only; they are gone as soon as they are read.
    with tempfile.TemporaryDirectory() as folder:
        certificate, private = Path(folder, "tls.crt"), Path(folder, "tls.key")
        certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Certificate(certificate, private, seconds=float("inf"))


def _end_of(certificate: Path) -> float:
    """Return when the first certificate of a file ends. Raises OSError, ValueError."""
    from cryptography import x509  # noqa: PLC0415  as above

    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()


def _state(files: tuple[Path, ...]) -> tuple[tuple[int, int, int], ...]:
    """Return what changes with the files, through the links by which kubelet swaps the files of a Secret."""
    return tuple((each.st_ino, each.st_mtime_ns, each.st_size) for each in (file.stat() for file in files))
