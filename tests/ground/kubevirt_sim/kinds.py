"""The kinds the simulator watches, and where the API server serves them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One resource; `status` tells whether status is a subresource, `selector` limits what is listed and watched."""

    name: str
    api: str
    plural: str
    namespaced: bool = True
    status: bool = True
    selector: str = ""

    def path(self, namespace: str = "", name: str = "") -> str:
        """Return the URL path of one object, of a namespace's list, or of the whole list."""
        root = f"/api/{self.api}" if "/" not in self.api else f"/apis/{self.api}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


VM = Kind("VirtualMachine", "kubevirt.io/v1", "virtualmachines")
VMI = Kind("VirtualMachineInstance", "kubevirt.io/v1", "virtualmachineinstances", status=False)
POOL = Kind("VirtualMachinePool", "pool.kubevirt.io/v1beta1", "virtualmachinepools")
MIGRATION = Kind("VirtualMachineInstanceMigration", "kubevirt.io/v1", "virtualmachineinstancemigrations")
SNAPSHOT = Kind("VirtualMachineSnapshot", "snapshot.kubevirt.io/v1beta1", "virtualmachinesnapshots")
CONTENT = Kind("VirtualMachineSnapshotContent", "snapshot.kubevirt.io/v1beta1", "virtualmachinesnapshotcontents")
RESTORE = Kind("VirtualMachineRestore", "snapshot.kubevirt.io/v1beta1", "virtualmachinerestores")
CLONE = Kind("VirtualMachineClone", "clone.kubevirt.io/v1beta1", "virtualmachineclones")
EXPORT = Kind("VirtualMachineExport", "export.kubevirt.io/v1", "virtualmachineexports")
BACKUP = Kind("VirtualMachineBackup", "backup.kubevirt.io/v1alpha1", "virtualmachinebackups")
KUBEVIRT = Kind("KubeVirt", "kubevirt.io/v1", "kubevirts")
CLUSTER_INSTANCETYPE = Kind(
    "VirtualMachineClusterInstancetype",
    "instancetype.kubevirt.io/v1beta1",
    "virtualmachineclusterinstancetypes",
    namespaced=False,
)
INSTANCETYPE = Kind("VirtualMachineInstancetype", "instancetype.kubevirt.io/v1beta1", "virtualmachineinstancetypes")
CLUSTER_PREFERENCE = Kind(
    "VirtualMachineClusterPreference",
    "instancetype.kubevirt.io/v1beta1",
    "virtualmachineclusterpreferences",
    namespaced=False,
)
PREFERENCE = Kind("VirtualMachinePreference", "instancetype.kubevirt.io/v1beta1", "virtualmachinepreferences")
REVISION = Kind(
    "ControllerRevision",
    "apps/v1",
    "controllerrevisions",
    selector="instancetype.kubevirt.io/object-kind",
    status=False,
)
CDI = Kind("CDI", "cdi.kubevirt.io/v1beta1", "cdis", namespaced=False)
DATA_VOLUME = Kind("DataVolume", "cdi.kubevirt.io/v1beta1", "datavolumes")
DATA_SOURCE = Kind("DataSource", "cdi.kubevirt.io/v1beta1", "datasources", status=False)
POD = Kind("Pod", "v1", "pods", selector="kubevirt.io=virt-launcher")
SERVICE = Kind("Service", "v1", "services")
CLAIM = Kind("PersistentVolumeClaim", "v1", "persistentvolumeclaims")
QUOTA = Kind("ResourceQuota", "v1", "resourcequotas")
STORAGE_CLASS = Kind("StorageClass", "storage.k8s.io/v1", "storageclasses", namespaced=False)

COPIERS = (SNAPSHOT, CONTENT, RESTORE, CLONE, EXPORT, BACKUP)
"""Kinds by which machines are copied."""

WATCHED = (
    KUBEVIRT,
    CDI,
    VM,
    VMI,
    MIGRATION,
    POOL,
    CLUSTER_INSTANCETYPE,
    INSTANCETYPE,
    CLUSTER_PREFERENCE,
    PREFERENCE,
    REVISION,
    DATA_VOLUME,
    DATA_SOURCE,
    POD,
    CLAIM,
    QUOTA,
    STORAGE_CLASS,
    *COPIERS,
)
BY_NAME = {kind.name: kind for kind in WATCHED}
