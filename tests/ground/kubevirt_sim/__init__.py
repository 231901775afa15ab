"""A simulator of KubeVirt's and CDI's controllers: real API objects, launcher pods that KWOK runs, no guests.

What it does, it does as KubeVirt (virt-controller, lifecycle of VMs, instances and pools; CDI for DataVolumes), so that
an operator sees the same objects, phases, conditions and failures, and its webhooks fill and refuse what KubeVirt's do.
`tests/kubevirt_real` holds it against a recording of the real one. Snapshots, restores into a new machine, clones, exports
of a machine and backups are kept to what they do to objects: no data is copied. What it does not do: disks and network
cards that people plug in, evictions, guest agents and anything inside a guest.

Failures on demand, as annotation `ground.berth.dev/fail` of a VirtualMachine or of its template:
CrashLoop, NotMigratable, SoftwareEmulation, PSA, NeverReady, ImagePullBackOff; of a DataVolume: Failed, Error (an import
that is tried for ever), Ignored (as if CDI were not there); of a migration: any;
of the KubeVirt object: Degraded. `ground.berth.dev/succeed-after: 3s` makes the guest power off after that time,
`ground.berth.dev/boot-after: 3s` makes it boot for that long. `ground.berth.dev/hold` on a migration, snapshot or backup
has it go on until that is taken away.
"""

FAIL = "ground.berth.dev/fail"
SUCCEED_AFTER = "ground.berth.dev/succeed-after"
BOOT_AFTER = "ground.berth.dev/boot-after"
HOLD = "ground.berth.dev/hold"
VERSION = "v1.9.0"
NAMESPACE = "kubevirt"
SERVICE_ACCOUNT = "kubevirt-controller"
