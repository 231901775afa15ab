"""The pod template of Deployments and Jobs. Every field of k8s.io/api/core/v1 PodSpec stands here."""

from typing import Any, Final

from berth.api.levels import Backend, IsolationLevel
from berth.verify.container import CONTAINER, INIT_CONTAINER, root_allowed, run_as_user
from berth.verify.metadata import TEMPLATE
from berth.verify.model import Bounds
from berth.verify.references import CLAIM_VOLUME, CONFIG_MAP_VOLUME, PULL_SECRETS, SECRET_VOLUME
from berth.verify.rules import Rule
from berth.verify.scheduling import POD_AFFINITY, POD_NODES, SPREAD, TOLERATIONS
from berth.verify.shapes import count, one_of, quantity, text
from berth.verify.table import Complaint, Field, Table, allow, always, derive, each, exactly, inside, shown, table

_PLAIN_HANDLERS: Final = frozenset({"", "runc", "crun", "youki"})
"""Runtime handlers that share the node's kernel, whatever a RuntimeClass is called."""


def _runtime(value: Any, bounds: Bounds) -> Complaint:
    wanted, seen = bounds.runtime, bounds.seen
    if wanted is None:
        return f"is {shown(value)}, but class {bounds.class_name} has no RuntimeClass: remove it"
    if value != wanted.name:
        return f"is {shown(value)}: set it to {wanted.name}, the RuntimeClass of class {bounds.class_name}"
    if seen is None:
        return f"names RuntimeClass {wanted.name}, which does not exist: create it first"
    if seen != wanted:
        return (
            f"names RuntimeClass {wanted.name}, which is not the one that was decided on (handler {seen.handler}, UID"
            f" {seen.uid}; decided: {wanted.handler}, {wanted.uid}): decide anew"
        )
    if bounds.level is not IsolationLevel.CONTAINER and seen.handler in _PLAIN_HANDLERS:
        return (
            f"names RuntimeClass {seen.name}, whose handler {seen.handler!r} shares the kernel of the node: use one"
            f" that is {bounds.level}"
        )
    return None


def _no_runtime(bounds: Bounds) -> Complaint:
    if bounds.runtime:
        return f"is missing: set it to {bounds.runtime.name}, the RuntimeClass of class {bounds.class_name}"
    if bounds.level is not IsolationLevel.CONTAINER:
        return f"is missing, and class {bounds.class_name} is {bounds.level}: set it to a RuntimeClass that is, too"
    return None


def _non_root(value: Any, bounds: Bounds) -> Complaint:
    if value is True or (value is False and root_allowed(bounds)):
        return None
    return "is not true: set it, or set needs.root and use a class with user namespaces, a sandbox or a machine"


def _priority_class(value: Any, bounds: Bounds) -> Complaint:
    if bounds.priority_class is not None and value == bounds.priority_class:
        return None
    return f"is {shown(value)}, which nobody has allowed: remove it"


REPLICAS: Final[Field] = exactly(Rule.RESOURCES, lambda bounds: bounds.named.replicas)
PRIORITY_CLASS: Final[Field] = derive(Rule.PRIORITY, _priority_class)
SERVICE_ACCOUNT: Final[Field] = exactly(Rule.SERVICE_ACCOUNT, lambda bounds: bounds.service_account)

_SECCOMP: Final = table(
    {"type": always(Rule.SECCOMP_RESTRICTED, "RuntimeDefault")}, deny={Rule.SECCOMP: ("localhostProfile",)}
)
SECURITY: Final[Table] = table(
    {
        "runAsNonRoot": derive(Rule.NON_ROOT, _non_root, lambda _: "is missing: set it to true"),
        "runAsUser": derive(Rule.NON_ROOT_USER, run_as_user),
        "runAsGroup": allow(count(1)),
        "fsGroup": allow(count(1)),
        "seccompProfile": inside(_SECCOMP, "is missing: set it to RuntimeDefault"),
    },
    deny={
        Rule.APP_ARMOR: ("appArmorProfile",),
        Rule.SE_LINUX: ("seLinuxOptions", "seLinuxChangePolicy"),
        Rule.NON_ROOT_USER: ("supplementalGroups", "supplementalGroupsPolicy"),
        Rule.SYSCTLS: ("sysctls",),
        Rule.HOST_PROCESS: ("windowsOptions",),
        Rule.NOT_WRITTEN: ("fsGroupChangePolicy",),
    },
)

VOLUME: Final[Table] = table(
    {
        "name": allow(text),
        "emptyDir": inside(
            table({"sizeLimit": allow(quantity), "medium": allow(one_of("Memory"))}, deny={Rule.NOT_WRITTEN: ("mode",)})
        ),
        "configMap": inside(CONFIG_MAP_VOLUME),
        "secret": inside(SECRET_VOLUME),
        "persistentVolumeClaim": inside(CLAIM_VOLUME),
    },
    deny={
        Rule.HOST_PATH: ("hostPath",),
        Rule.TOKEN: ("projected",),
        Rule.VOLUME_TYPES: (
            *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "downwardAPI", "ephemeral"),
            *("fc", "flexVolume", "flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "nfs"),
            *("photonPersistentDisk", "portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"),
        ),
    },
)

POD: Final[Table] = table(
    {
        "restartPolicy": allow(one_of("Always", "Never")),
        "runtimeClassName": derive(Rule.RUNTIME, _runtime, _no_runtime),
        "hostUsers": exactly(Rule.USER_NAMESPACE, lambda bounds: False if bounds.user_namespaces else None),
        "serviceAccountName": SERVICE_ACCOUNT,
        "automountServiceAccountToken": always(Rule.TOKEN, wanted=False),
        "enableServiceLinks": always(Rule.NAMES, wanted=False),
        "terminationGracePeriodSeconds": allow(count()),
        "imagePullSecrets": PULL_SECRETS,
        "securityContext": inside(SECURITY, "is missing: set runAsNonRoot and the seccompProfile RuntimeDefault"),
        "initContainers": each(INIT_CONTAINER),
        "containers": each(CONTAINER, "is empty: add a container"),
        "volumes": each(VOLUME),
        "nodeSelector": POD_NODES,
        "tolerations": TOLERATIONS,
        "affinity": POD_AFFINITY,
        "topologySpreadConstraints": SPREAD,
        "priorityClassName": PRIORITY_CLASS,
    },
    deny={
        Rule.HOST_NAMESPACES: ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"),
        Rule.NODES: ("nodeName", "schedulerName", "os"),
        Rule.PRIORITY: ("priority", "preemptionPolicy"),
        Rule.SERVICE_ACCOUNT: ("serviceAccount",),
        Rule.NAMES: (
            *("dnsConfig", "dnsPolicy", "hostAliases", "hostname", "hostnameOverride", "setHostnameAsFQDN"),
            *("subdomain",),
        ),
        Rule.RESOURCES: ("overhead", "resources"),
        Rule.DEVICES: ("resourceClaims",),
        Rule.LIFETIME: ("activeDeadlineSeconds", "readinessGates", "schedulingGates", "evictionResponders"),
        Rule.NOT_WRITTEN: ("ephemeralContainers", "schedulingGroup"),
    },
)

POD_TEMPLATE: Final[Table] = table(
    {
        "metadata": inside(TEMPLATE, "is missing, and without labels no policy holds for the pods: set them"),
        "spec": inside(POD, "is missing: add the pod"),
    }
)


def backend(wanted: Backend) -> Field:
    """Return the kind of an object that backs Workloads of one backend only."""

    def check(_: Any, bounds: Bounds) -> Complaint:
        if bounds.backend is wanted:
            return None
        return f"runs in a {wanted}, but class {bounds.class_name} runs in a {bounds.backend}: render it for its class"

    return derive(Rule.KIND, check)
