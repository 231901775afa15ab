"""Scenarios on a real node: what a person reads on a Workload whose pods a kubelet, runc and gVisor run."""
