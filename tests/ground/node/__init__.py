"""A real node beside the fake ones: kubelet, containerd, runc and gVisor, in namespaces of their own.

Everything of the node lives in one mount, pid and network namespace, below one cgroup and in one folder: it sees the usual
paths (/run/containerd, /var/lib/kubelet), two nodes do not meet, and to end its first process ends all of it.
"""
