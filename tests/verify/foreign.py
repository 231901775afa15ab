"""What an attacker, or a mistake in rendering, would write: values by the field that they would stand in.

A key is the name of a field, or its parent's name and its own. All of this is written without a look at the verifier.
"""

from typing import Any, Final

WORKLOAD: Final = "berth.dev/workload"
OTHERS: Final = {"matchLabels": {WORKLOAD: "other"}}
CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
OWNER: Final = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "other", "controller": True}

_NAMES: Final = ["of-another", "kube-system/token", "../of-another", "", None]
_AMOUNTS: Final = [{"evil.example/device": "1"}, {"hugepages-2Mi": "1Gi"}, {"memory": -1}, {"cpu": {"x": 1}}]
_HARDWARE: Final = [{"kind": "VirtualMachineInstancetype", "name": "huge"}, {"inferFromVolume": "root"}]
_IMAGES: Final = [
    *("evil.example/x:1", "registry.example.evil/shop/checkout:1.9", "registry.example/shop-evil/checkout:1.9"),
    *("registry.example/shop/../evil:1", "registry.example/shop/checkout:1.9\n", "", "r\u0435gistry.example/shop/x:1"),
]

FOREIGN: Final[dict[str, list[Any]]] = {
    # Pod Security
    "allowPrivilegeEscalation": [True, None, 0, "false"],
    "add": [["SYS_ADMIN"], ["NET_RAW", "CHOWN"], ["ALL"], "NET_BIND_SERVICE"],
    "drop": [[], ["NET_RAW"], ["all"], ["ALL", "x"], "ALL"],
    "seccompProfile.type": ["Unconfined", "Localhost", ""],
    "containers.restartPolicy": ["Always", "OnFailure"],
    "initContainers.restartPolicy": ["OnFailure", "Never"],
    "seccompProfile": [{}, {"type": "Unconfined"}, {"type": "Localhost", "localhostProfile": "x"}],
    "runAsUser": [-1, True, "0", 2**40],
    "hostUsers": [True, 0],
    "automountServiceAccountToken": [True, 0],
    "serviceAccountName": ["admin", ""],
    "priorityClassName": ["system-node-critical", "system-cluster-critical"],
    "runtimeClassName": ["runc", "other", "", None],
    "enableServiceLinks": [True],
    "imagePullPolicy": ["Never", "IfNotPresent"],
    "terminationMessagePolicy": ["File", ""],
    "initContainers.lifecycle": [{"preStop": {"sleep": {"seconds": 1}}}],
    "preStop.exec": [{"command": ["curl", "http://169.254.169.254"]}],
    "preStop.httpGet": [{"port": 80, "host": "169.254.169.254"}, {"port": 80}],
    "preStop.tcpSocket": [{"port": 80, "host": "169.254.169.254"}],
    "sleep.seconds": [0, -1, True, "5", 1.5],
    "fieldPath": ["spec.nodeName", "status.hostIP", "metadata.annotations", "spec.serviceAccountName"],
    "mountPath": ["/", "relative", "/a:b", "//", ""],
    "items.path": ["../../etc/passwd", "/etc/passwd", "a/../../b", ""],
    "medium": ["HugePages", "HugePages-2Mi", "Other"],
    # Placement
    "nodeSelector": [{}, {CONTROL_PLANE: ""}, {"kubernetes.io/hostname": "node-1"}],
    "tolerations": [
        [{"operator": "Exists"}],
        [{"key": CONTROL_PLANE, "operator": "Exists", "effect": "NoSchedule"}],
        [{"key": "pool", "operator": "Exists"}],
        [{}],
    ],
    "ttlSecondsAfterFinished": [0, 3600],
    "affinity": [
        {},
        {"podAffinity": {REQUIRED: [{"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}]}},
        {"podAntiAffinity": {REQUIRED: [{"topologyKey": "kubernetes.io/hostname", "labelSelector": OTHERS}]}},
        {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": []}]}}},
    ],
    "topologySpreadConstraints": [
        [],
        [{"topologyKey": "kubernetes.io/hostname", "maxSkew": 1, "labelSelector": OTHERS}],
    ],
    "architecture": ["s390x", ""],
    # References
    "claimName": _NAMES,
    "secretName": _NAMES,
    "imagePullSecret": _NAMES,
    "imagePullSecrets": [[{"name": "of-another"}], [{}], [{"name": "x", "namespace": "kube-system"}]],
    "configMapKeyRef.name": _NAMES,
    "secretKeyRef.name": _NAMES,
    "configMapRef.name": _NAMES,
    "secretRef.name": _NAMES,
    "configMap.name": _NAMES,
    "secret.name": _NAMES,
    "networkDataSecretRef.name": _NAMES,
    "dataVolume.name": _NAMES,
    "sourceRef.name": _NAMES,
    "sourceRef.kind": ["PersistentVolumeClaim", "VolumeSnapshot", ""],
    "image": _IMAGES,
    "storageClassName": ["of-another", ""],
    # Size
    "replicas": [999, -1, "1", True],
    "completions": [999, 0],
    "completionMode": ["NonIndexed"],
    "podReplacementPolicy": ["TerminatingOrFailed"],
    "suspend": [True, False],
    "metrics.type": ["External", "Object"],
    "resource.name": ["memory", "evil.example/device"],
    "parallelism": [999, 0],
    "requests": _AMOUNTS,
    "limits": _AMOUNTS,
    "minAvailable": [999, "100%"],
    "spec.maxUnavailable": [0, -1, "0%"],
    "unhealthyPodEvictionPolicy": ["IfHealthyBudget"],
    # Selectors and owners
    "selector": [{}, OTHERS, {WORKLOAD: "other"}, {"matchLabels": {}}, {"app": "other"}],
    "podSelector": [{}, OTHERS, {"matchLabels": {}}],
    "ownerReferences": [[], [OWNER], [{}], None],
    "finalizers": [["x.example/hold"]],
    "scaleTargetRef": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, {}],
    "metadata.name": ["other", "", "kube-dns", None],
    "metadata.namespace": ["kube-system", "", None],
    # Network
    "spec.type": ["ExternalName", "Other"],
    "interfaces.name": ["other", ""],
    "policyTypes": [[], ["Egress"], None],
    "ingress": [
        [{}],
        [{"ports": []}],
        [{"ports": [{}]}],
        [{"from": []}],
        [{"ports": [{"port": 22, "protocol": "SCTP"}]}],
    ],
    "egress": [[], [{}], [{"to": []}]],
    "from": [[], [{}], [{"ipBlock": {"cidr": "0.0.0.0/0"}}]],
    "masquerade": [None, {"vmNetworkCIDR": "0.0.0.0/0"}],
    "networks": [
        [],
        [{"name": "default", "multus": {"networkName": "kube-system/node"}}],
        [{"name": "other", "pod": {}}],
    ],
    "interfaces": [[], [{"name": "default", "bridge": {}}], [{"name": "default"}], [{"name": "x", "masquerade": {}}]],
    # Machines
    "runStrategy": ["Manual", "RerunOnFailure", ""],
    "instancetype": _HARDWARE,
    "preference": _HARDWARE,
    "cpu.features": [[{"name": "x", "policy": "force"}], [{"name": "vmx", "policy": "require"}], []],
    "launchSecurity": [{}, {"sev": {"policy": {}}}, {"tdx": {}, "snp": {}}, {"snp": {"x": 1}}],
    "logSerialConsole": [True],
    "evictionStrategy": ["None", "External", "LiveMigrate"],
    "deviceName": ["evil.example/device", "", None],
    "gpus": [[{"name": "g", "deviceName": "evil.example/device"}], [{"name": "g", "claimName": "c"}]],
    "hostDevices": [[{"name": "d", "deviceName": "evil.example/device"}], [{}]],
    "source": [
        {"pvc": {"namespace": "kube-system", "name": "token"}},
        {"snapshot": {"namespace": "kube-system", "name": "token"}},
        {"http": {"url": "http://169.254.169.254/latest"}},
        {"registry": {"url": "docker://evil.example/x:1"}},
        {"upload": {}},
        {},
        None,
    ],
    "bus": ["usb", "ide"],
    "cdrom.bus": ["virtio"],
    "cpu.model": ["host-passthrough"],
    "firmware.serial": ["of-another"],
    "uuid": ["5d307ca9-b3ef-428c-8861-06e72d69f224", "", None],
    "machine.type": ["pc-q35-4.2", "", None],
    "clock": [{}, {"timezone": "Mars/Phobos"}, {"utc": {"offsetSeconds": 7}}, {"timer": {}}],
    "hostname": ["postgres", "", None],
    "macAddress": ["52:54:00:00:00:01", "", None],
    "interfaces.model": ["pcnet", "", None],
    "updateStrategy": [{}, {"unmanaged": {}}],
}

STEERING: Final = [
    *("k8s.v1.cni.cncf.io/networks", "v1.multus-cni.io/default-network", "k8s.v1.cni.cncf.io/resourceName"),
    *("cni.projectcalico.org/ipAddrs", "cni.projectcalico.org/ipAddrsNoIpam", "ovn.kubernetes.io/logical_switch"),
    *("io.cilium/no-track-port", "policy.cilium.io/proxy-visibility", "kubernetes.io/ingress-bandwidth"),
    *(
        "dev.gvisor.flag.host-uds",
        "dev.gvisor.flag.debug",
        "dev.gvisor.spec.mount.x.share",
        "dev.gvisor.internal.seccomp",
    ),
    *("io.katacontainers.config.hypervisor.kernel_params", "io.katacontainers.config.hypervisor.path"),
    *("io.katacontainers.config.hypervisor.virtio_fs_extra_args", "io.katacontainers.config.hypervisor.enable_iommu"),
    *("io.katacontainers.config.agent.container_pipe_size", "io.katacontainers.config_path"),
    *(
        "io.kubernetes.cri-o.userns-mode",
        "io.kubernetes.cri-o.Devices",
        "io.kubernetes.cri-o.TrySkipVolumeSELinuxLabel",
    ),
    *("seccomp.security.alpha.kubernetes.io/pod", "container.apparmor.security.beta.kubernetes.io/main"),
    *("security.alpha.kubernetes.io/sysctls", "security.alpha.kubernetes.io/unsafe-sysctls"),
    *("hooks.kubevirt.io/hookSidecars", "kubevirt.io/ignitiondata", "kubevirt.io/keep-launcher-alive-after-failure"),
    *("kubevirt.io/func-test-virt-launcher-fail-fast", "kubevirt.io/placePCIDevicesOnRootComplex"),
    *(
        "kubevirt.io/nonroot",
        "kubevirt.io/ephemeral-hotplug-volumes",
        "kubevirt.io/vsock-cid",
        "kubevirt.io/created-by",
    ),
    *(
        "vm.kubevirt.io/workload",
        "vm.kubevirt.io/flavor",
        "smbios.vm.kubevirt.io/uuid",
        "kubevirt.io/clusterPreference",
    ),
    *("cdi.kubevirt.io/storage.import.endpoint", "cdi.kubevirt.io/storage.import.secretName", "k8s.io/CloneRequest"),
    *("cdi.kubevirt.io/storage.bind.immediate.requested", "cdi.kubevirt.io/storage.pod.network"),
    *("cdi.kubevirt.io/cloneType", "cdi.kubevirt.io/storage.usePopulator", "cdi.kubevirt.io/allowClaimAdoption"),
    *("sidecar.istio.io/inject", "sidecar.istio.io/userVolume", "proxy.istio.io/config", "linkerd.io/inject"),
    *("traffic.sidecar.istio.io/excludeOutboundPorts", "vault.hashicorp.com/agent-inject", "vault.hashicorp.com/role"),
    *("cluster-autoscaler.kubernetes.io/safe-to-evict", "descheduler.alpha.kubernetes.io/evict"),
    *("scheduler.alpha.kubernetes.io/critical-pod", "scheduler.alpha.kubernetes.io/tolerations"),
    *("controller.kubernetes.io/pod-deletion-cost", "karpenter.sh/do-not-disrupt", "kueue.x-k8s.io/queue-name"),
    *("external-dns.alpha.kubernetes.io/hostname", "external-dns.alpha.kubernetes.io/target", "cert-manager.io/issuer"),
    *("service.beta.kubernetes.io/aws-load-balancer-internal", "cloud.google.com/load-balancer-type"),
    *("service.beta.kubernetes.io/azure-load-balancer-resource-group", "metallb.universe.tf/loadBalancerIPs"),
    *("metallb.io/allow-shared-ip", "io.cilium/lb-ipam-ips", "networking.gke.io/load-balancer-ip-addresses"),
    *(
        "service.kubernetes.io/topology-mode",
        "nginx.ingress.kubernetes.io/server-snippet",
        "kubernetes.io/change-cause",
    ),
    *("argocd.argoproj.io/sync-options", "argocd.argoproj.io/tracking-id", "meta.helm.sh/release-name"),
    *(
        "kopf.zalando.org/last-handled-configuration",
        "kopf.dev/last-handled-configuration",
        "reloader.stakater.com/auto",
    ),
    *("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision", "batch.kubernetes.io/x"),
    *("kubectl.kubernetes.io/restartedAt", "prometheus.io/scrape", "backup.velero.io/backup-volumes"),
    *("pre.hook.backup.velero.io/command", "eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account"),
    *("azure.workload.identity/use", "cdi.kubevirt.io/storage.deleteAfterCompletion.x", "berth.dev/desired-hash-2"),
    *("berth.dev/tenant", "berth.dev/class", "berth.dev/source", "openshift.io/scc", "openshift.io/required-scc"),
]
"""Annotations that some controller, runtime or network plugin takes orders from."""

MISSING: Final = {
    *(
        "hostname",
        "domain.machine",
        "domain.clock",
        "firmware.uuid",
        "firmware.serial",
        "memory.hugepages",
        "cpu.numa",
        "cpu.model",
    ),
    *("automountServiceAccountToken", "enableServiceLinks", "runtimeClassName", "hostUsers", "securityContext"),
    *(
        "allowPrivilegeEscalation",
        "capabilities",
        "drop",
        "seccompProfile",
        "seccompProfile.type",
        "image",
        "containers",
    ),
    "ttlSecondsAfterFinished",
    *("nodeSelector", "affinity", "serviceAccountName", "selector", "podSelector", "policyTypes", "ownerReferences"),
    *("metadata", "metadata.name", "metadata.namespace", "labels", "spec", "template", "scaleTargetRef"),
    *("claimName", "secretName", "configMapKeyRef.name", "secretKeyRef.name", "configMapRef.name", "secretRef.name"),
    *("secret.name", "configMap.name", "imagePullSecrets.name", "dataVolume.name", "sourceRef.name", "sourceRef.kind"),
    *("sourceRef", "spec.storage", "domain", "devices", "interfaces", "masquerade", "networks", "evictionStrategy"),
    *(
        "logSerialConsole",
        "launchSecurity",
        "instancetype",
        "preference",
        "runStrategy",
        "updateStrategy",
        "architecture",
    ),
    *("cloudInitNoCloud.secretRef", "interfaces.name", "cpu.features", "metrics.type", "resource.name", "spec.type"),
    *(
        "metadata.annotations",
        "deviceName",
        "virtualMachineTemplate",
        "completions",
        "parallelism",
        "replicas",
        "completionMode",
    ),
    *("podReplacementPolicy", "unhealthyPodEvictionPolicy", "ingress.ports", "suspend", "kind", "apiVersion"),
}
"""Fields that must not be left out where they are rendered: what Kubernetes or KubeVirt would take instead is weaker."""

AUTHORED: Final = {
    *("httpGet", "tcpSocket", "exec", "guestAgentPing", "httpHeaders", "initialDelaySeconds", "periodSeconds"),
    *("timeoutSeconds", "successThreshold", "failureThreshold", "optional", "items"),
}
"""Fields that an author may set, though no golden case does everywhere."""

WHOLE: Final = {
    *("source",),
    *("affinity", "tolerations", "topologySpreadConstraints", "ownerReferences", "selector", "podSelector", "networks"),
    *(
        "scaleTargetRef",
        "labels",
        "annotations",
        "nodeSelector",
        "instancetype",
        "preference",
        "updateStrategy",
        "launchSecurity",
    ),
}
"""Values of which nothing may be other than it is."""
