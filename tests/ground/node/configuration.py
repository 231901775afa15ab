"""Configuration files of a node's parts."""

import json
from pathlib import Path

import yaml

from ground.node.place import DNS, KUBELET_PORT, PODS, REGISTRY_PORT, Place, gateway

NAME = "real-0"
PAUSE = "registry.example/ground/pause:1"
REGISTRY = "registry.example"
"""Host name of images that are there; one of any other host is not to be had."""


def containerd(binaries: str) -> str:
    """Return /etc/containerd/config.toml: runc by default and as `impostor`, gVisor as `runsc`, one local registry."""
    return f"""version = 3
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{PAUSE}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "/var/lib/node/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "/var/lib/node/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "{binaries}/runc"
        SystemdCgroup = false
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.impostor]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.impostor.options]
        BinaryName = "{binaries}/runc"
        SystemdCgroup = false
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runsc]
      runtime_type = "io.containerd.runsc.v1"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runsc.options]
        TypeUrl = "io.containerd.runsc.v1.options"
        ConfigPath = "/var/lib/node/runsc.toml"
"""


def runsc(binaries: str) -> str:
    """Return the configuration of gVisor's shim."""
    return f'binary_name = "{binaries}/runsc"\n[runsc_config]\n  platform = "systrap"\n'


def hosts(place: Place) -> str:
    """Return where containerd finds images of the local registry."""
    server = f"http://{place.gateway}:{REGISTRY_PORT}"
    return f'server = "{server}"\n[host."{server}"]\n  capabilities = ["pull", "resolve"]\n'


def network() -> str:
    """Return the network of pods (CNI): one bridge, addresses from one range, routed by the node."""
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    return json.dumps({"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge]})


def kubelet(place: Place) -> str:
    """Return the kubelet's configuration: a small machine that evicts late, and whose cgroups are below the node's."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "failCgroupV1": False,
            "failSwapOn": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{place.id}",
            "enforceNodeAllocatable": [],
            "oomScoreAdj": 0,
            "port": KUBELET_PORT,
            "address": place.address,
            "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(place.cluster.workdir / "pki" / "ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "clusterDomain": "cluster.local",
            "clusterDNS": [DNS],
            "resolvConf": "/var/lib/node/resolv.conf",
            "nodeStatusUpdateFrequency": "5s",
            "maxPods": 200,
            "serializeImagePulls": False,
            "registryPullQPS": 0,
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
            "kubeAPIQPS": 100,
            "kubeAPIBurst": 200,
        }
    )


def kube_proxy(kubeconfig: str) -> str:
    """Return kube-proxy's configuration: nftables, and no setting of the kernel changed."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": PODS,
            "hostnameOverride": NAME,
            "clientConnection": {"kubeconfig": kubeconfig},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        }
    )


def kubeconfig(place: Place, user: str, group: str) -> str:
    """Return a kubeconfig by which a part of the node reaches the API server, as its own user.

    The administrator impersonates it, so that no certificate has to be signed: its rights are those of the user.
    """
    content = yaml.safe_load(place.cluster.kubeconfig.read_text())
    port = place.cluster.server.rpartition(":")[2]
    content["clusters"][0]["cluster"] |= {"server": f"https://{place.gateway}:{port}", "tls-server-name": "127.0.0.1"}
    content["users"][0]["user"] |= {"as": user, "as-groups": [group]}
    return yaml.safe_dump(content)


def api_server(workdir: Path) -> dict[str, str]:
    """Return flags of an API server that has a real node: how it reaches its kubelet and metrics, and how pods reach it.

    It is in no network of pods, so that a Service which serves an API is reached by the addresses behind it.
    """
    return {
        "advertise-address": gateway(workdir),
        "enable-aggregator-routing": "true",
        "proxy-client-cert-file": f"{workdir}/pki/admin.crt",
        "proxy-client-key-file": f"{workdir}/pki/admin.key",
        "kubelet-client-certificate": f"{workdir}/pki/admin.crt",
        "kubelet-client-key": f"{workdir}/pki/admin.key",
        "kubelet-preferred-address-types": "InternalIP",
    }
