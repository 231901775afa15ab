"""The rules that a child can break, and why each of them is there."""

from enum import StrEnum


class Rule(StrEnum):
    """One rule. The first eighteen are the controls of the Pod Security Standard *restricted*, by their names there."""

    HOST_PROCESS = "HostProcess"
    HOST_NAMESPACES = "HostNamespaces"
    PRIVILEGED = "PrivilegedContainers"
    CAPABILITIES = "Capabilities"
    HOST_PATH = "HostPathVolumes"
    HOST_PORTS = "HostPorts"
    HOST_PROBES = "HostProbesAndLifecycleHooks"
    APP_ARMOR = "AppArmor"
    SE_LINUX = "SELinux"
    PROC_MOUNT = "ProcMountType"
    SECCOMP = "Seccomp"
    SYSCTLS = "Sysctls"
    VOLUME_TYPES = "VolumeTypes"
    ESCALATION = "PrivilegeEscalation"
    NON_ROOT = "RunningAsNonRoot"
    NON_ROOT_USER = "RunningAsNonRootUser"
    SECCOMP_RESTRICTED = "SeccompRestricted"
    CAPABILITIES_RESTRICTED = "CapabilitiesRestricted"

    UNKNOWN = "UnknownField"
    SHAPE = "Shape"
    NOT_WRITTEN = "NotWritten"
    KIND = "Kind"
    IDENTITY = "Identity"
    LABELS = "Labels"
    ANNOTATIONS = "Annotations"
    OWNER = "Owner"
    LIFETIME = "Lifetime"
    SELECTOR = "Selector"
    RUNTIME = "Runtime"
    USER_NAMESPACE = "UserNamespace"
    NODES = "Nodes"
    NEIGHBOURS = "Neighbours"
    PRIORITY = "Priority"
    SERVICE_ACCOUNT = "ServiceAccount"
    TOKEN = "Token"  # noqa: S105  the name of a rule
    REFERENCES = "References"
    NAMESPACE = "Namespace"
    IMAGES = "Images"
    NAMES = "Names"
    SUB_PATH = "SubPath"
    DEVICES = "Devices"
    RESOURCES = "Resources"
    EXPOSURE = "Exposure"
    NETWORK = "Network"
    DISKS = "Disks"
    STORAGE = "Storage"
    HOST_DISK = "HostDisk"
    SHARED_FILES = "SharedFiles"
    INLINE_SECRETS = "InlineSecrets"
    GUEST_CHANNELS = "GuestChannels"
    GUEST_IDENTITY = "GuestIdentity"
    NODE_LOAD = "NodeLoad"
    HARDWARE = "Hardware"
    ENCRYPTION = "MemoryEncryption"
    INSTANCETYPE = "Instancetype"
    EVICTION = "Eviction"


WHY: dict[Rule, str] = {
    Rule.HOST_PROCESS: "runs with the rights of a process of a Windows node",
    Rule.HOST_NAMESPACES: "shares the network, the processes or the memory of the node or of other containers",
    Rule.PRIVILEGED: "has every right on the node",
    Rule.HOST_PATH: "reads or writes files of the node",
    Rule.HOST_PORTS: "takes a port of the node",
    Rule.HOST_PROBES: "sends the kubelet's requests to a host of somebody's choice",
    Rule.APP_ARMOR: "replaces the node's AppArmor profile",
    Rule.SE_LINUX: "replaces the node's SELinux label",
    Rule.PROC_MOUNT: "unmasks /proc",
    Rule.SECCOMP: "replaces the seccomp profile of the pod",
    Rule.SYSCTLS: "changes the kernel's settings",
    Rule.VOLUME_TYPES: "mounts something else than emptyDir, configMap, secret or persistentVolumeClaim",
    Rule.NON_ROOT_USER: "runs as user 0, or gives the processes more groups",
    Rule.NOT_WRITTEN: "is nothing that Berth writes",
    Rule.IDENTITY: "is for the API server to set, or makes it another object",
    Rule.ANNOTATIONS: "steers runtimes and controllers, which take orders from annotations",
    Rule.OWNER: "makes somebody else its owner",
    Rule.LIFETIME: "changes how long the object lives or how it is deleted",
    Rule.SELECTOR: "selects something else than this Workload",
    Rule.NODES: "chooses nodes past the IsolationClass",
    Rule.PRIORITY: "changes who is evicted for whom",
    Rule.SERVICE_ACCOUNT: "chooses rights at the API server",
    Rule.TOKEN: "brings a token of the API server",
    Rule.REFERENCES: "refers to an object that the Workload does not name",
    Rule.NAMESPACE: "reaches into another namespace",
    Rule.IMAGES: "runs an image that no rule was asked about",
    Rule.NAMES: "takes a name in the DNS of the cluster, or changes how names are resolved",
    Rule.SUB_PATH: "mounts a path that somebody else may swap for a link",
    Rule.DEVICES: "claims devices that the Workload does not need",
    Rule.RESOURCES: "sets resources aside past what the Workload asks for",
    Rule.EXPOSURE: "opens an address that the Workload does not ask for",
    Rule.NETWORK: "leaves the masqueraded pod network",
    Rule.DISKS: "changes disks that outlive the Workload",
    Rule.STORAGE: "takes storage past the DataSource that the Workload names",
    Rule.HOST_DISK: "makes a disk of a file of the node",
    Rule.SHARED_FILES: "shares files between the guest and the node",
    Rule.INLINE_SECRETS: "holds secrets in clear text or hands them to the guest",
    Rule.GUEST_CHANNELS: "opens a channel between guest and node",
    Rule.GUEST_IDENTITY: "sets what the guest is known by, which KubeVirt chooses",
    Rule.NODE_LOAD: "takes processors or memory of the node past what the Workload asks for",
    Rule.HARDWARE: "changes virtual hardware that no Workload can ask for",
}
"""What a field that is denied by a rule would do, to follow its name in a sentence."""
