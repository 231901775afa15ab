"""What pods and guests really use, as PromQL: right for every runtime, whichever endpoint of a kubelet is scraped.

A kubelet tells of a whole pod at /metrics/resource (pod_*) and, as the same reading of the same cgroup, at
/metrics/cadvisor (container_* with an empty container and image). Its figures of single containers are no substitute:
of a sandboxed pod /metrics/cadvisor has none, their CPU at /metrics/resource goes down at times (gVisor 20260905), which
a rate takes for a restart, and what the sandbox takes is in none of them.

Whose a pod is, Berth says itself: names do not tell, for nginx-... may be a pod of nginx-uid.
"""

from typing import Final

_HERE: Final = 'namespace="$namespace"'
_ONE: Final = f'{_HERE},workload="$workload"'
_POD: Final = "namespace, pod"
_OWN_PODS: Final = f"and on ({_POD}) berth_workload_pod_info{{{_ONE}}}"
_OWN_GUESTS: Final = f"and on (namespace, name) berth_workload_vmi_info{{{_ONE}}}"
_WHOLE: Final = f'{_HERE},pod!="",container="",image=""'


def _pods(told: str, read: str) -> str:
    """Return the sum over the Workload's pods, each once: as told by /metrics/resource, else as read by cAdvisor."""
    return f"sum((max by ({_POD}) ({told}) or max by ({_POD}) ({read})) {_OWN_PODS})"


POD_CPU: Final = _pods(
    f"rate(pod_cpu_usage_seconds_total{{{_HERE}}}[$__rate_interval])",
    f"rate(container_cpu_usage_seconds_total{{{_WHOLE}}}[$__rate_interval])",
)
"""Cores that pods use, with all that their sandboxes take."""
POD_MEMORY: Final = _pods(f"pod_memory_working_set_bytes{{{_HERE}}}", f"container_memory_working_set_bytes{{{_WHOLE}}}")
"""Bytes of memory that pods use, with all that their sandboxes take."""
SANDBOX_MEMORY: Final = (
    f"sum(max by ({_POD}) (pod_memory_working_set_bytes{{{_HERE}}}) - on ({_POD})"
    f" sum by ({_POD}) (max by ({_POD}, container)"
    f' (container_memory_working_set_bytes{{{_HERE},container!="",id=""}})) {_OWN_PODS})'
)
"""Bytes of a pod that are in none of its containers: only /metrics/resource, which has no label id, tells both."""
GUEST_CPU: Final = f"sum(rate(kubevirt_vmi_cpu_usage_seconds_total{{{_HERE}}}[$__rate_interval]) {_OWN_GUESTS})"
GUEST_MEMORY: Final = f"sum(kubevirt_vmi_memory_resident_bytes{{{_HERE}}} {_OWN_GUESTS})"
