"""The preview's certificate: a new one is used without a restart, and a broken one changes nothing."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest
from aiohttp import web

from berth.app.http import serve
from berth.app.preview.server import certificate_of
from berth.app.settings import PreviewSettings

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

SECONDS = 20.0


def issue(folder: Path, name: str) -> tuple[Path, Path]:
    """Make a certificate of its own authority, and its key."""
    certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("issued")
    return {name: issue(folder, name) for name in ("one", "two")}


def mount(folder: Path, certificate: Path, key: Path, state: str) -> None:
    """Put a pair where it is read, as kubelet does: into a new folder, then one link is swapped."""
    made = folder / state
    made.mkdir()
    shutil.copy(certificate, made / "tls.crt")
    shutil.copy(key, made / "tls.key")
    link = folder / f"link-{state}"
    link.symlink_to(made)
    link.replace(folder / "data")


def settings(folder: Path, **more: object) -> PreviewSettings:
    given = {"preview_certificate": folder / "data" / "tls.crt", "preview_key": folder / "data" / "tls.key"}
    return PreviewSettings(**(given | more))  # type: ignore[arg-type]  # plain values, checked by the model


async def shown(port: int, client: tuple[Path, Path] | None = None) -> bytes:
    """Return the certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client:
        context.load_cert_chain(*client)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        if not await reader.read():  # who is refused learns of it when reading: by an error, or by the end
            raise ConnectionError("it was not answered")
        found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return found
    finally:
        writer.close()


def content(certificate: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


async def test_a_renewed_certificate_is_shown_to_new_connections(
    tmp_path: Path, issued: dict[str, tuple[Path, Path]]
) -> None:
    mount(tmp_path, *issued["one"], state="1")
    certificate = certificate_of(settings(tmp_path, certificate_reload_seconds=0.05))
    runner, port = await serve(web.Application(), "127.0.0.1", 0, certificate.context)
    keeping = asyncio.create_task(certificate.keep_fresh())
    try:
        assert await shown(port) == content(issued["one"][0])
        mount(tmp_path, *issued["two"], state="2")
        async with asyncio.timeout(SECONDS):
            while await shown(port) != content(issued["two"][0]):
                assert not keeping.done()
    finally:
        keeping.cancel()
        await runner.cleanup()


async def test_what_does_not_fit_or_is_not_there_changes_nothing_until_it_is_put_right(
    tmp_path: Path, issued: dict[str, tuple[Path, Path]], caplog: pytest.LogCaptureFixture
) -> None:
    mount(tmp_path, *issued["one"], state="1")
    certificate = certificate_of(settings(tmp_path))
    assert not certificate.reload(), "nothing has changed yet"
    runner, port = await serve(web.Application(), "127.0.0.1", 0, certificate.context)
    try:
        mount(tmp_path, issued["two"][0], issued["one"][1], state="mixed")
        assert not certificate.reload()
        (tmp_path / "data").unlink()
        assert not certificate.reload()
        assert await shown(port) == content(issued["one"][0])
        assert caplog.text.count("the former one is used") == 2
        mount(tmp_path, *issued["two"], state="2")
        assert certificate.reload()
        assert await shown(port) == content(issued["two"][0])
    finally:
        await runner.cleanup()


async def test_with_an_authority_of_clients_others_are_not_answered(
    tmp_path: Path, issued: dict[str, tuple[Path, Path]]
) -> None:
    mount(tmp_path, *issued["one"], state="1")
    certificate = certificate_of(settings(tmp_path, preview_client_ca=issued["two"][0]))
    runner, port = await serve(web.Application(), "127.0.0.1", 0, certificate.context)
    try:
        assert await shown(port, issued["two"]) == content(issued["one"][0])
        for stranger in (None, issued["one"]):
            with pytest.raises(OSError, match=r"it was not answered|SSL|reset"):
                await shown(port, stranger)
    finally:
        await runner.cleanup()


def test_without_a_certificate_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        certificate_of(settings(tmp_path))
