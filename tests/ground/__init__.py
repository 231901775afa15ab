"""The test ground: a real Kubernetes control plane with fake nodes and a simulated KubeVirt, without containers."""
