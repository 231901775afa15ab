"""The kinds Berth reads or writes, and how their URLs are spelled."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind as the API server serves it; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apiVersion` of its objects, for example `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the escaped URL path of a collection (no `name`), an object, or a subresource of an object.

        Raises:
            ValueError: the arguments name no valid place. An empty name is refused on purpose: it would turn the
                deletion of one object into the deletion of its whole collection.

        """
        path = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        if namespace is not None:
            if not self.namespaced:
                raise ValueError(f"{self.plural} have no namespace, got {namespace!r}")
            path += f"/namespaces/{_segment(namespace)}"
        path += f"/{self.plural}"
        if name is not None:
            if self.namespaced and namespace is None:
                raise ValueError(f"{self.plural} {name!r} needs a namespace")
            path += f"/{_segment(name)}"
        if subresource is not None:
            if name is None:
                raise ValueError(f"subresource {subresource!r} of {self.plural} needs a name")
            path += f"/{_segment(subresource)}"
        return path


_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
"""Almost every name: it needs no escaping."""


def _segment(text: str) -> str:
    if _PLAIN.fullmatch(text):
        return text
    if text in {"", ".", ".."}:
        raise ValueError(f"{text!r} is not a name")
    return quote(text, safe="")


PODS: Final = Resource("", "v1", "pods", "Pod")
SERVICES: Final = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
SECRETS: Final = Resource("", "v1", "secrets", "Secret")
PERSISTENT_VOLUME_CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
RESOURCE_QUOTAS: Final = Resource("", "v1", "resourcequotas", "ResourceQuota")
NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
EVENTS: Final = Resource("events.k8s.io", "v1", "events", "Event")
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
CONTROLLER_REVISIONS: Final = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
JOBS: Final = Resource("batch", "v1", "jobs", "Job")
POD_DISRUPTION_BUDGETS: Final = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
HORIZONTAL_POD_AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
NETWORK_POLICIES: Final = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
RUNTIME_CLASSES: Final = Resource("node.k8s.io", "v1", "runtimeclasses", "RuntimeClass", namespaced=False)
TOKEN_REVIEWS: Final = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
SUBJECT_ACCESS_REVIEWS: Final = Resource(
    "authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False
)
STORAGE_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")

VIRTUAL_MACHINES: Final = Resource("kubevirt.io", "v1", "virtualmachines", "VirtualMachine")
VIRTUAL_MACHINE_INSTANCES: Final = Resource("kubevirt.io", "v1", "virtualmachineinstances", "VirtualMachineInstance")
KUBEVIRTS: Final = Resource("kubevirt.io", "v1", "kubevirts", "KubeVirt")
VIRTUAL_MACHINE_POOLS: Final = Resource("pool.kubevirt.io", "v1beta1", "virtualmachinepools", "VirtualMachinePool")
DATA_VOLUMES: Final = Resource("cdi.kubevirt.io", "v1beta1", "datavolumes", "DataVolume")
DATA_SOURCES: Final = Resource("cdi.kubevirt.io", "v1beta1", "datasources", "DataSource")
NETWORK_ATTACHMENTS: Final = Resource(
    "k8s.cni.cncf.io", "v1", "network-attachment-definitions", "NetworkAttachmentDefinition"
)

WORKLOADS: Final = Resource("berth.dev", "v1alpha1", "workloads", "Workload")
ISOLATION_CLASSES: Final = Resource("berth.dev", "v1alpha1", "isolationclasses", "IsolationClass", namespaced=False)
ISOLATION_POLICIES: Final = Resource("berth.dev", "v1alpha1", "isolationpolicies", "IsolationPolicy", namespaced=False)
TENANTS: Final = Resource("berth.dev", "v1alpha1", "tenants", "Tenant", namespaced=False)
WAIVERS: Final = Resource("berth.dev", "v1alpha1", "waivers", "Waiver", namespaced=False)
VIRTUAL_MACHINE_CLUSTER_INSTANCETYPES: Final = Resource(
    "instancetype.kubevirt.io",
    "v1beta1",
    "virtualmachineclusterinstancetypes",
    "VirtualMachineClusterInstancetype",
    namespaced=False,
)
VIRTUAL_MACHINE_CLUSTER_PREFERENCES: Final = Resource(
    "instancetype.kubevirt.io",
    "v1beta1",
    "virtualmachineclusterpreferences",
    "VirtualMachineClusterPreference",
    namespaced=False,
)
VIRTUAL_MACHINE_INSTANCETYPES: Final = Resource(
    "instancetype.kubevirt.io", "v1beta1", "virtualmachineinstancetypes", "VirtualMachineInstancetype"
)
VIRTUAL_MACHINE_PREFERENCES: Final = Resource(
    "instancetype.kubevirt.io", "v1beta1", "virtualmachinepreferences", "VirtualMachinePreference"
)

OWN: Final = (WORKLOADS, ISOLATION_CLASSES, ISOLATION_POLICIES, TENANTS, WAIVERS)
"""Berth's own kinds."""

CHILDREN: Final = (
    DEPLOYMENTS,
    JOBS,
    SERVICES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    HORIZONTAL_POD_AUTOSCALERS,
    VIRTUAL_MACHINES,
    VIRTUAL_MACHINE_POOLS,
    DATA_VOLUMES,
)
"""Kinds that a Workload is made into."""
