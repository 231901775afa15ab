"""Pods and machines of Workloads stay within what Berth renders, whoever writes them."""

from functools import partial

import pytest

from admission import bodies
from admission.attempts import Attempt, check
from admission.bodies import POD_SAFE, SAFE, pod_spec
from admission.kinds import REPLICA_SET
from admission.people import DEPLOYMENTS, JOBS, KUBEVIRT, NODE, OPERATOR, PLATFORM, REPLICA_SETS
from admission.world import TEAM
from ground.api import Json
from ground.cluster import Cluster
from scenarios.kinds import DEPLOYMENT, JOB, POD, POOL, VM, VMI

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("admission")]

RULE = "Pods of a Workload stay within what Berth renders"
pods = partial(Attempt, policy="berth-restricted-pods")
root = partial(Attempt, policy="berth-root")
machines = partial(Attempt, policy="berth-restricted-machines")
BASELINE = (
    *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP"),
    *("SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
)
LABELS = {"berth.dev/workload": "web"}


def secured(**more: object) -> Json:
    """Return the spec of a pod whose container has another security context."""
    return pod_spec({"securityContext": {**SAFE, **more}})


def adding(*capabilities: str, **more: object) -> Json:
    """Return the spec of a pod whose container adds capabilities."""
    return pod_spec({"securityContext": {**SAFE, "capabilities": {"drop": ["ALL"], "add": [*capabilities]}}}, **more)


def volume(**source: object) -> Json:
    """Return the spec of a pod with a volume."""
    return pod_spec(volumes=[{"name": "data", **source}])


BREACHES: dict[str, tuple[Json, str]] = {
    "host network": (pod_spec(hostNetwork=True), "remove hostNetwork"),
    "host processes": (pod_spec(hostPID=True), "remove hostNetwork, hostPID"),
    "host IPC": (pod_spec(hostIPC=True), "remove hostNetwork"),
    "shared processes": (pod_spec(shareProcessNamespace=True), "shareProcessNamespace"),
    "host path": (volume(hostPath={"path": "/"}), "a volume is of another kind"),
    "NFS": (volume(nfs={"server": "nas", "path": "/"}), "a volume is of another kind"),
    "iSCSI": (volume(iscsi={"targetPortal": "a", "iqn": "iqn.2001-04.a:b", "lun": 0}), "a volume is of another kind"),
    "git": (volume(gitRepo={"repository": "https://a"}), "a volume is of another kind"),
    "privileged": (pod_spec({"securityContext": {"privileged": True}}), "none is privileged"),
    "escalation": (
        pod_spec({"securityContext": {"capabilities": {"drop": ["ALL"]}}}),
        "allowPrivilegeEscalation false",
    ),
    "added capability": (secured(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}), "drops ALL capabilities"),
    "capability of root": (adding("CHOWN"), "drops ALL capabilities"),
    "capability of root, shared users": (adding("SETUID", hostUsers=True), "drops ALL capabilities"),
    "raw sockets in a sandbox": (adding("NET_RAW", runtimeClassName="gvisor"), "drops ALL capabilities"),
    "ALL in a user namespace": (adding("ALL", hostUsers=False), "drops ALL capabilities"),
    "kept capabilities": (secured(capabilities={"drop": ["NET_RAW"]}), "drops ALL capabilities"),
    "host port": (pod_spec({"ports": [{"containerPort": 80, "hostPort": 80}]}), "remove hostPort"),
    "root": (pod_spec(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}), "Set runAsNonRoot true"),
    "root user": (secured(runAsUser=0), "Set runAsNonRoot true"),
    "root after all": (secured(runAsNonRoot=False), "Set runAsNonRoot true"),
    "no seccomp": (pod_spec(securityContext={"runAsNonRoot": True}), "seccompProfile is RuntimeDefault"),
    "unconfined": (secured(seccompProfile={"type": "Unconfined"}), "seccompProfile is RuntimeDefault"),
    "AppArmor": (secured(appArmorProfile={"type": "Unconfined"}), "seccompProfile is RuntimeDefault"),
    "SELinux": (secured(seLinuxOptions={"type": "spc_t"}), "seccompProfile is RuntimeDefault"),
    "proc": (pod_spec({"securityContext": {**SAFE, "procMount": "Unmasked"}}, hostUsers=False), "procMount"),
    "sysctls": (
        pod_spec(securityContext={**POD_SAFE, "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "0"}]}),
        "sysctls",
    ),
    "probe elsewhere": (
        pod_spec({"readinessProbe": {"httpGet": {"host": "169.254.169.254", "port": 80}}}),
        "a probe names a host",
    ),
    "hook": (pod_spec({"lifecycle": {"preStop": {"httpGet": {"host": "a", "port": 80}}}}), "a lifecycle hook"),
    "command at the end": (pod_spec({"lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}), "a lifecycle hook"),
    "pause at the start": (pod_spec({"lifecycle": {"postStart": {"sleep": {"seconds": 1}}}}), "a lifecycle hook"),
    "init container": (
        pod_spec(initContainers=[{"name": "first", "image": "a", "securityContext": {"privileged": True}}]),
        "none is privileged",
    ),
}
TEMPLATE_BREACHES: dict[str, tuple[Json, str]] = {
    "token": (pod_spec(automountServiceAccountToken=True), "automountServiceAccountToken must be false"),
    "node": (pod_spec(nodeName="node-0"), "nodeName"),
    "hosts": (pod_spec(hostAliases=[{"ip": "127.0.0.1", "hostnames": ["a"]}]), "hostAliases"),
    "priority": (pod_spec(priorityClassName="system-node-critical"), "priority classes of the system"),
    "projected": (
        volume(projected={"sources": [{"serviceAccountToken": {"path": "token", "audience": "vault"}}]}),
        "a volume is of another kind",
    ),
    "inline CSI": (volume(csi={"driver": "a"}), "a volume is of another kind"),
    "image": (volume(image={"reference": "a"}), "a volume is of another kind"),
}


def deployment(inner: Json) -> Json:
    """Return a Deployment of a Workload around the spec of a pod."""
    owner = {"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "name": "web", "uid": "1", "controller": True}
    made = {"metadata": {"labels": LABELS}, "spec": inner}
    meta = {"labels": LABELS, "ownerReferences": [owner]}
    return {"metadata": meta, "spec": {"selector": {"matchLabels": LABELS}, "template": made}}


def job(inner: Json) -> Json:
    """Return a Job whose pods alone are labelled."""
    return {"spec": {"template": {"metadata": {"labels": LABELS}, "spec": {**inner, "restartPolicy": "Never"}}}}


def pod(inner: Json) -> Json:
    """Return a pod of a Workload."""
    return {"metadata": {"labels": LABELS}, "spec": inner}


ROOT: Json = {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}
AS_ROOT: dict[str, Json] = {
    "user 0": pod_spec(securityContext=ROOT),
    "any user of the image": pod_spec(securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
    "user 0 of a container": secured(runAsUser=0),
    "no matter which user": secured(runAsNonRoot=False),
    "capabilities": adding("CHOWN"),
}
ALL = {**BREACHES, **TEMPLATE_BREACHES}
REFUSED = [
    *(
        pods(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(inner), text, note=note)
        for note, (inner, text) in ALL.items()
    ),
    *(
        pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(inner), text, note=note)
        for note, (inner, text) in BREACHES.items()
    ),
    *(
        pods(DEPLOYMENTS, "create", REPLICA_SET, TEAM, "web-x", deployment(inner), text, note=note)
        for note, (inner, text) in [*ALL.items()][:5]
    ),
    *(
        pods(JOBS, "create", JOB, TEAM, "nightly", job(inner), text, note=note)
        for note, (inner, text) in [*ALL.items()][:5]
    ),
    *(
        root(
            OPERATOR,
            "create",
            DEPLOYMENT,
            "lab",
            "web",
            deployment({**inner, "runtimeClassName": "vendor"}),
            "of level Container names it",
            note=note,
        )
        for note, inner in AS_ROOT.items()
    ),
    pods(KUBEVIRT, "create", POD, TEAM, "launcher", pod(volume(hostPath={"path": "/"})), "a volume is of another kind"),
    pods(NODE, "create", POD, TEAM, "mirror", pod(pod_spec(hostNetwork=True)), "remove hostNetwork"),
    pods(
        OPERATOR,
        "merge-patch",
        DEPLOYMENT,
        TEAM,
        "web",
        {"spec": {"template": {"spec": {"hostNetwork": True}}}},
        RULE,
        note="existing",
    ),
    pods(
        DEPLOYMENTS,
        "merge-patch",
        DEPLOYMENT,
        TEAM,
        "web",
        {"spec": {"template": {"spec": {"runtimeClassName": "gvisor"}}}},
        "only the operator changes the runtimeClassName",
    ),
]
ALLOWED = [
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(pod_spec())),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(pod_spec({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}})), note="a pause at the end"),
    pods(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(pod_spec({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}})), note="a pause at the end"),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(pod_spec(runtimeClassName="gvisor", securityContext={"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}})), note="root in a sandbox"),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(volume(projected={"sources": [{"serviceAccountToken": {"path": "token"}}]})), note="what a webhook adds"),
    pods(KUBEVIRT, "create", POD, TEAM, "launcher", pod(adding("NET_BIND_SERVICE")), note="bound ports"),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(adding("NET_BIND_SERVICE")), note="bound ports"),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(adding(*BASELINE, hostUsers=False)), note="root's in a user namespace"),
    pods(REPLICA_SETS, "create", POD, TEAM, "web-x", pod(adding(*BASELINE, runtimeClassName="gvisor")), note="root's in a sandbox"),
    pods(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(pod_spec())),
    root(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(pod_spec(runtimeClassName="vendor")), note="a user that is not root"),
    root(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(adding(*BASELINE, runtimeClassName="vendor", hostUsers=False, securityContext=ROOT)), note="root in a user namespace"),
    root(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(adding(*BASELINE, runtimeClassName="gvisor", securityContext=ROOT)), note="root in a sandbox"),
    root(PLATFORM, "create", DEPLOYMENT, "lab", "web", deployment(pod_spec(runtimeClassName="vendor", securityContext=ROOT)), note="root by an admin"),
    pods(OPERATOR, "create", DEPLOYMENT, "lab", "web", deployment(pod_spec(hostUsers=False, securityContext={"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}})), note="root in a user namespace"),
    pods(PLATFORM, "create", POD, TEAM, "debug", pod(pod_spec(hostPID=True, hostNetwork=True))),
    pods(REPLICA_SETS, "create", POD, TEAM, "node-agent", bodies.pod(hostNetwork=True), note="not of a Workload"),
    pods(DEPLOYMENTS, "merge-patch", DEPLOYMENT, TEAM, "web", {"metadata": {"annotations": {"deployment.kubernetes.io/revision": "7"}}}),
]  # fmt: skip


@pytest.mark.parametrize("case", [*REFUSED, *ALLOWED], ids=str)
def test_pods_of_workloads_are_restricted(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)


def instance(**more: object) -> Json:
    """Return the spec of a machine's instance as Berth renders it, but for what is given."""
    return bodies.instance(**more)


def devices(**more: object) -> Json:
    """Return the spec of an instance whose devices have something more."""
    plain = bodies.instance()
    return {**plain, "domain": {**plain["domain"], "devices": {**plain["domain"]["devices"], **more}}}


def disk(**source: object) -> Json:
    """Return the spec of an instance with a volume."""
    return instance(volumes=[{"name": "data", **source}])


MACHINE_BREACHES: dict[str, tuple[Json, str]] = {
    "host disk": (disk(hostDisk={"path": "/disk.img", "type": "Disk"}), "a volume is of another kind"),
    "memory dump": (disk(memoryDump={"claimName": "a"}), "a volume is of another kind"),
    "service account": (disk(serviceAccount={"serviceAccountName": "a"}), "a volume is of another kind"),
    "utility volume": (
        instance(utilityVolumes=[{"name": "a", "claimName": "b"}]),
        "utilityVolumes are plugged in by KubeVirt alone",
    ),
    "hotplugged claim": (
        disk(persistentVolumeClaim={"claimName": "a", "hotpluggable": True}),
        "a disk was plugged into the running machine",
    ),
    "hotplugged disk": (disk(dataVolume={"name": "a", "hotpluggable": True}), "a disk was plugged"),
    "user data": (disk(cloudInitNoCloud={"userData": "#cloud-config"}), "user data stands in the machine itself"),
    "file system": (devices(filesystems=[{"name": "data", "virtiofs": {}}]), "remove filesystems"),
    "socket": (devices(autoattachVSOCK=True), "remove filesystems"),
    "USB": (devices(clientPassthrough={}), "remove filesystems"),
    "host metrics": (devices(downwardMetrics={}), "remove filesystems"),
    "claimed GPU": (
        devices(gpus=[{"name": "a", "claimName": "b", "requestName": "c"}]),
        "devices are passed through by deviceName alone",
    ),
    "bridge": (
        devices(interfaces=[{"name": "default", "bridge": {}}]),
        "the network of the pod is joined by masquerade",
    ),
    "binding": (
        devices(interfaces=[{"name": "default", "binding": {"name": "a"}}]),
        "the network of the pod is joined by masquerade",
    ),
    "other network": (
        instance(networks=[{"name": "default", "multus": {"networkName": "kube-system/a"}}]),
        "the network of the pod is joined by masquerade",
    ),
    "own kernel": (
        {**instance(), "domain": {**instance()["domain"], "firmware": {"kernelBoot": {"kernelArgs": "a"}}}},
        "kernelBoot",
    ),
    "user data of a config drive": (disk(cloudInitConfigDrive={"userDataBase64": "eA=="}), "user data stands in the"),
    "default network of multus": (
        instance(networks=[{"name": "default", "multus": {"networkName": "a", "default": True}}]),
        "the network of the pod is joined by masquerade",
    ),
}
HOOKED = {"hooks.kubevirt.io/hookSidecars": "[]"}


def vm(inner: Json, annotations: Json | None = None) -> Json:
    """Return a VirtualMachine of Workload web."""
    owner = {"apiVersion": "berth.dev/v1alpha1", "kind": "Workload", "name": "web", "uid": "1", "controller": True}
    meta = {"labels": LABELS, "ownerReferences": [owner]}
    made = {"metadata": {"labels": LABELS, "annotations": annotations or {}}, "spec": inner}
    return {"metadata": meta, "spec": {"runStrategy": "Halted", "template": made}}


def member(machine: Json) -> Json:
    """Return a VirtualMachine as the pool of Workload web makes it."""
    owner = {"apiVersion": POOL.api, "kind": POOL.name, "name": "web", "uid": "1", "controller": True}
    return machine | {"metadata": {"labels": LABELS, "ownerReferences": [owner]}}


def vmi(inner: Json) -> Json:
    """Return a VirtualMachineInstance of Workload web."""
    return {"metadata": {"labels": LABELS}, "spec": inner}


def pool(inner: Json) -> Json:
    """Return a VirtualMachinePool of Workload web."""
    machine = vm(inner)
    whole = {"replicas": 1, "selector": {"matchLabels": LABELS}, "virtualMachineTemplate": {"spec": machine["spec"]}}
    return {"metadata": machine["metadata"], "spec": whole}


MACHINES_REFUSED = [
    *(
        machines(OPERATOR, "create", VM, "lab", "web", vm(inner), text, note=note)
        for note, (inner, text) in MACHINE_BREACHES.items()
    ),
    *(
        machines(KUBEVIRT, "create", VMI, "lab", "web", vmi(inner), text, note=note)
        for note, (inner, text) in MACHINE_BREACHES.items()
    ),
    *(
        machines(OPERATOR, "create", POOL, "lab", "web", pool(inner), text, note=note)
        for note, (inner, text) in [*MACHINE_BREACHES.items()][:4]
    ),
    machines(KUBEVIRT, "create", VM, "lab", "web-0", member(vm(instance(), HOOKED)), "hook sidecars"),
    machines(
        KUBEVIRT,
        "merge-patch",
        VMI,
        TEAM,
        "erp",
        {"spec": disk(persistentVolumeClaim={"claimName": "a", "hotpluggable": True})},
        "a disk was plugged into the running machine",
    ),
]
SECRET = {"source": {"secret": {"secretName": "a"}}, "propagationMethod": {"qemuGuestAgent": {"users": ["root"]}}}
LAN = {"networks": [{"name": "default", "pod": {}}, {"name": "lan", "multus": {"networkName": "lan"}}]}
CARDS = devices(interfaces=[{"name": "default", "masquerade": {}}, {"name": "lan", "bridge": {}}])
MACHINES_ALLOWED = [
    machines(OPERATOR, "create", VM, "lab", "web", vm(instance(accessCredentials=[{"sshPublicKey": SECRET}]))),
    machines(KUBEVIRT, "create", VMI, "lab", "web", vmi({**CARDS, **LAN})),
    machines(KUBEVIRT, "create", VMI, "lab", "web", vmi(instance())),
    machines(OPERATOR, "create", VM, "lab", "web", vm(devices(hostDevices=[{"name": "a", "deviceName": "b/c"}]))),
    machines(OPERATOR, "create", POOL, "lab", "web", pool(instance())),
    machines(
        KUBEVIRT,
        "merge-patch",
        VM,
        TEAM,
        "erp",
        {"metadata": {"annotations": {"kubevirt.io/latest-observed-api-version": "v1"}}},
    ),
    machines(
        PLATFORM,
        "merge-patch",
        VM,
        TEAM,
        "erp",
        {"spec": {"template": {"spec": disk(hostDisk={"path": "/a", "type": "Disk"})}}},
    ),
]


@pytest.mark.parametrize("case", [*MACHINES_REFUSED, *MACHINES_ALLOWED], ids=str)
def test_machines_of_workloads_are_restricted(cluster: Cluster, case: Attempt) -> None:
    check(cluster, case)
