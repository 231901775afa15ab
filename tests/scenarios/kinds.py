"""The kinds that scenarios read and write, and where the API server serves them."""

from ground.kubevirt_sim.kinds import (
    BACKUP,
    CLAIM,
    CLONE,
    CLUSTER_INSTANCETYPE,
    CLUSTER_PREFERENCE,
    DATA_SOURCE,
    DATA_VOLUME,
    EXPORT,
    INSTANCETYPE,
    KUBEVIRT,
    POOL,
    PREFERENCE,
    QUOTA,
    RESTORE,
    SNAPSHOT,
    STORAGE_CLASS,
    VM,
    VMI,
    Kind,
)

BERTH = "berth.dev/v1alpha1"

WORKLOAD = Kind("Workload", BERTH, "workloads")
CLASS = Kind("IsolationClass", BERTH, "isolationclasses", namespaced=False)
POLICY = Kind("IsolationPolicy", BERTH, "isolationpolicies", namespaced=False)
TENANT = Kind("Tenant", BERTH, "tenants", namespaced=False)
WAIVER = Kind("Waiver", BERTH, "waivers", namespaced=False)

DEPLOYMENT = Kind("Deployment", "apps/v1", "deployments")
REPLICA_SET = Kind("ReplicaSet", "apps/v1", "replicasets")
JOB = Kind("Job", "batch/v1", "jobs")
SERVICE = Kind("Service", "v1", "services")
NETWORK_POLICY = Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies")
BUDGET = Kind("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets")
AUTOSCALER = Kind("HorizontalPodAutoscaler", "autoscaling/v2", "horizontalpodautoscalers")

POD = Kind("Pod", "v1", "pods")
ENDPOINT_SLICE = Kind("EndpointSlice", "discovery.k8s.io/v1", "endpointslices")
EVENT = Kind("Event", "events.k8s.io/v1", "events")
NAMESPACE = Kind("Namespace", "v1", "namespaces", namespaced=False)
NODE = Kind("Node", "v1", "nodes", namespaced=False)
RUNTIME_CLASS = Kind("RuntimeClass", "node.k8s.io/v1", "runtimeclasses", namespaced=False)
LEASE = Kind("Lease", "coordination.k8s.io/v1", "leases")

MIGRATION = Kind("VirtualMachineInstanceMigration", "kubevirt.io/v1", "virtualmachineinstancemigrations")

POD_CHILDREN = (DEPLOYMENT, JOB, SERVICE, NETWORK_POLICY, BUDGET, AUTOSCALER)
KUBEVIRT_CHILDREN = (VM, POOL, DATA_VOLUME)

__all__ = [
    "AUTOSCALER",
    "BACKUP",
    "BERTH",
    "BUDGET",
    "CLAIM",
    "CLASS",
    "CLONE",
    "CLUSTER_INSTANCETYPE",
    "CLUSTER_PREFERENCE",
    "DATA_SOURCE",
    "DATA_VOLUME",
    "DEPLOYMENT",
    "ENDPOINT_SLICE",
    "EVENT",
    "EXPORT",
    "INSTANCETYPE",
    "JOB",
    "KUBEVIRT",
    "KUBEVIRT_CHILDREN",
    "LEASE",
    "MIGRATION",
    "NAMESPACE",
    "NETWORK_POLICY",
    "NODE",
    "POD",
    "POD_CHILDREN",
    "POLICY",
    "POOL",
    "PREFERENCE",
    "QUOTA",
    "REPLICA_SET",
    "RESTORE",
    "RUNTIME_CLASS",
    "SERVICE",
    "SNAPSHOT",
    "STORAGE_CLASS",
    "TENANT",
    "VM",
    "VMI",
    "WAIVER",
    "WORKLOAD",
    "Kind",
]
