"""Containers, as the Pod Security Standard *restricted* wants them.

Source: kubernetes.io/docs/concepts/security/pod-security-standards, and k8s.io/api/core/v1 for the fields.
"""

from typing import Any, Final

from berth.api.levels import IsolationLevel
from berth.verify.image import image
from berth.verify.model import Bounds
from berth.verify.probe import POD_PROBE
from berth.verify.references import CONFIG_MAP_KEY, ENV_FROM, SECRET_KEY
from berth.verify.rules import Rule
from berth.verify.shapes import count, flag, mount_path, one_of, port, quantity, text, texts
from berth.verify.table import Complaint, Field, Table, allow, always, derive, each, inside, only, table

_AMOUNTS: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_LARGEST_ID: Final = 2**31 - 1


def root_allowed(bounds: Bounds) -> bool:
    """Return whether user 0 is asked for and is not user 0 of the node's kernel."""
    return bounds.root and (bounds.user_namespaces or bounds.level is not IsolationLevel.CONTAINER)


def run_as_user(value: Any, bounds: Bounds) -> Complaint:
    """Return what is wrong with a user id: 0 is for those who may be root."""
    if type(value) is not int or not 0 <= value <= _LARGEST_ID:
        return f"is no user: write a number up to {_LARGEST_ID}"
    if value == 0 and not root_allowed(bounds):
        return "is user 0: name another, or set needs.root and use a class with user namespaces, a sandbox or a machine"
    return None


def _resources(value: Any, bounds: Bounds) -> Complaint:
    if not isinstance(value, dict):
        return "is no map of amounts: make it one"
    for name, amount in value.items():
        if name not in _AMOUNTS and name not in bounds.named.devices:
            return f"asks for {name}, which the Workload does not need: remove it"
        if complaint := quantity(amount):
            return f"{name} {complaint}"
    return None


_AMOUNT_OF: Final[Field] = derive(Rule.DEVICES, _resources)

RESOURCES: Final[Table] = table({"requests": _AMOUNT_OF, "limits": _AMOUNT_OF}, deny={Rule.DEVICES: ("claims",)})

_OF_ROOT: Final = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
        *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
"""Capabilities that the Pod Security Standard *baseline* lets a container have."""


def _added(value: Any, bounds: Bounds) -> Complaint:
    """Return what is wrong with added capabilities: but for those that the spec names, they are for root."""
    if complaint := texts(value):
        return complaint
    allowed = bounds.named.capabilities | (_OF_ROOT if root_allowed(bounds) else frozenset())
    more = sorted(set(value) - allowed)
    if not more:
        return None
    return (
        f"adds {', '.join(more)}, which containers of this Workload in class {bounds.class_name} never have: remove it"
    )


_CAPABILITIES: Final = table(
    {"drop": always(Rule.CAPABILITIES_RESTRICTED, ["ALL"]), "add": derive(Rule.CAPABILITIES, _added)}
)
SECURITY: Final[Table] = table(
    {
        "allowPrivilegeEscalation": always(Rule.ESCALATION, wanted=False),
        "capabilities": inside(_CAPABILITIES, "is missing: drop ALL"),
        "runAsUser": derive(Rule.NON_ROOT_USER, run_as_user),
        "runAsGroup": allow(count(1)),
        "runAsNonRoot": only(Rule.NON_ROOT, wanted=True),
        "readOnlyRootFilesystem": allow(flag),
    },
    deny={
        Rule.PRIVILEGED: ("privileged",),
        Rule.PROC_MOUNT: ("procMount",),
        Rule.SECCOMP: ("seccompProfile",),
        Rule.APP_ARMOR: ("appArmorProfile",),
        Rule.SE_LINUX: ("seLinuxOptions",),
        Rule.HOST_PROCESS: ("windowsOptions",),
    },
)

_FIELD: Final[Table] = table(
    {"fieldPath": allow(one_of("metadata.name", "metadata.namespace", "metadata.uid", "status.podIP"))},
    deny={Rule.NOT_WRITTEN: ("apiVersion",)},
)
ENV_SOURCE: Final[Table] = table(
    {
        "configMapKeyRef": inside(CONFIG_MAP_KEY),
        "secretKeyRef": inside(SECRET_KEY),
        "fieldRef": inside(_FIELD),
    },
    deny={Rule.NOT_WRITTEN: ("fileKeyRef", "resourceFieldRef")},
)
ENV: Final[Table] = table({"name": allow(text), "value": allow(text), "valueFrom": inside(ENV_SOURCE)})
MOUNT: Final[Table] = table(
    {"name": allow(text), "mountPath": allow(mount_path), "readOnly": allow(flag)},
    deny={
        Rule.SUB_PATH: ("subPath", "subPathExpr"),
        Rule.PRIVILEGED: ("mountPropagation",),
        Rule.NOT_WRITTEN: ("bindMountOptions", "recursiveReadOnly"),
    },
)
PORT: Final[Table] = table(
    {"name": allow(text), "containerPort": allow(port), "protocol": allow(one_of("TCP", "UDP"))},
    deny={Rule.HOST_PORTS: ("hostPort", "hostIP")},
)

_PRE_STOP: Final = table(
    {"sleep": inside(table({"seconds": allow(count(1))}))}, deny={Rule.HOST_PROBES: ("exec", "httpGet", "tcpSocket")}
)
_LIFECYCLE: Final = table(
    {"preStop": inside(_PRE_STOP)}, deny={Rule.HOST_PROBES: ("postStart",), Rule.NOT_WRITTEN: ("stopSignal",)}
)

_FIELDS: Final[dict[str, Field]] = {
    "name": allow(text),
    "image": derive(Rule.IMAGES, image, lambda _: "is missing: name an image of the Workload"),
    "imagePullPolicy": only(Rule.IMAGES, "Always"),  # any other lends images that somebody else's secrets pulled
    "command": allow(texts),
    "args": allow(texts),
    "workingDir": allow(text),
    "env": each(ENV),
    "envFrom": each(ENV_FROM),
    "volumeMounts": each(MOUNT),
    "ports": each(PORT),
    "resources": inside(RESOURCES),
    "readinessProbe": inside(POD_PROBE),
    "livenessProbe": inside(POD_PROBE),
    "startupProbe": inside(POD_PROBE),
    "terminationMessagePolicy": only(Rule.NOT_WRITTEN, "FallbackToLogsOnError"),
    "securityContext": inside(SECURITY, "is missing: drop ALL capabilities and forbid privilege escalation"),
}
_DENIED: Final = {
    Rule.VOLUME_TYPES: ("volumeDevices",),
    Rule.NOT_WRITTEN: (
        *("resizePolicy", "restartPolicyRules", "stdin", "stdinOnce", "tty"),
        "terminationMessagePath",
    ),
}

CONTAINER: Final[Table] = table(
    {**_FIELDS, "lifecycle": inside(_LIFECYCLE)}, deny={**_DENIED, Rule.LIFETIME: ("restartPolicy",)}
)
INIT_CONTAINER: Final[Table] = table(
    {**_FIELDS, "restartPolicy": only(Rule.LIFETIME, "Always")}, deny={**_DENIED, Rule.HOST_PROBES: ("lifecycle",)}
)
"""Containers before the main one and, with a restartPolicy, beside it."""
