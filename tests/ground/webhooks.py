"""Where the API server of a cluster asks the simulated KubeVirt and CDI: certificate, port, and the registrations."""

import base64
import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ground.api import Json, apply, free_port

LOOPBACK = "127.0.0.1"
VALID_DAYS = 365
TIMEOUT_SECONDS = 10
ADMISSION = "admissionregistration.k8s.io/v1"
NEW, NEW_OR_CHANGED = ["CREATE"], ["CREATE", "UPDATE"]


@dataclass(frozen=True)
class Endpoint:
    """Where the webhooks of one cluster are served; the same after the simulator was started again."""

    port: int
    certificate: Path
    key: Path
    host: str = LOOPBACK


@dataclass(frozen=True)
class Webhook:
    """One webhook as KubeVirt or CDI registers it; `name` stands in what users read of a refusal."""

    configuration: str
    name: str
    path: str
    group: str
    version: str
    resource: str
    operations: list[str]


MUTATING = (
    Webhook(
        "virt-api-mutator",
        "virtualmachines-mutator.kubevirt.io",
        "/virtualmachines-mutate",
        "kubevirt.io",
        "v1",
        "virtualmachines",
        NEW_OR_CHANGED,
    ),
)
VALIDATING = (
    Webhook(
        "virt-api-validator",
        "virtualmachine-validator.kubevirt.io",
        "/virtualmachines-validate",
        "kubevirt.io",
        "v1",
        "virtualmachines",
        NEW_OR_CHANGED,
    ),
    Webhook(
        "virt-api-validator",
        "virtualmachinepool-validator.kubevirt.io",
        "/virtualmachinepools-validate",
        "pool.kubevirt.io",
        "v1beta1",
        "virtualmachinepools",
        NEW_OR_CHANGED,
    ),
    Webhook(
        "virt-api-validator",
        "virtualmachineinstances-create-validator.kubevirt.io",
        "/virtualmachineinstances-validate",
        "kubevirt.io",
        "v1",
        "virtualmachineinstances",
        NEW,
    ),
    Webhook(
        "virt-api-validator",
        "migration-create-validator.kubevirt.io",
        "/migrations-validate",
        "kubevirt.io",
        "v1",
        "virtualmachineinstancemigrations",
        NEW,
    ),
    # CDI does this in its mutating webhook. Here policies are asked first, so that both refusals can be told apart.
    Webhook(
        "cdi-api-datavolume-validate",
        "datavolume-validate.cdi.kubevirt.io",
        "/datavolumes-validate",
        "cdi.kubevirt.io",
        "v1beta1",
        "datavolumes",
        NEW_OR_CHANGED,
    ),
)
KINDS = {"MutatingWebhookConfiguration": MUTATING, "ValidatingWebhookConfiguration": VALIDATING}


def endpoint(folder: Path) -> Endpoint:
    """Return the endpoint that a cluster's folder notes, or make one: a free port and a certificate of its own."""
    certificate, key, port = (folder / f"webhook.{part}" for part in ("crt", "key", "port"))
    if not port.exists():
        _certify(certificate, key)
        port.write_text(str(free_port()))
    return Endpoint(int(port.read_text()), certificate, key)


def install(kubeconfig: Path, where: Endpoint) -> None:
    """Register the webhooks, as virt-operator and CDI's operator do; raises ApiError."""
    for kind, webhooks in KINDS.items():
        for name in sorted({each.configuration for each in webhooks}):
            body = {"apiVersion": ADMISSION, "kind": kind, "metadata": {"name": name}}
            body["webhooks"] = [_registered(each, where) for each in webhooks if each.configuration == name]
            apply(kubeconfig, f"/apis/{ADMISSION}/{kind.lower()}s/{name}", body)


def _registered(webhook: Webhook, where: Endpoint) -> Json:
    rule = {
        "apiGroups": [webhook.group],
        "apiVersions": [webhook.version],
        "resources": [webhook.resource],
        "operations": webhook.operations,
        "scope": "*",
    }
    authority = base64.b64encode(where.certificate.read_bytes()).decode()
    return {
        "name": webhook.name,
        "clientConfig": {"url": f"https://{where.host}:{where.port}{webhook.path}", "caBundle": authority},
        "rules": [rule],
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Fail",
        "timeoutSeconds": TIMEOUT_SECONDS,
    }


def _certify(certificate: Path, key: Path) -> None:
    """Write a key and a certificate of loopback that it signed itself."""
    made = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "virt-api")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(made, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    key.touch(mode=0o600)
    key.write_bytes(made.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    certificate.write_bytes(signed.public_bytes(pem))
