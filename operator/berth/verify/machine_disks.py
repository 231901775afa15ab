"""Disks and volumes of machines. Every kind of KubeVirt's VolumeSource stands here."""

from typing import Final

from berth.verify.image import image
from berth.verify.references import (
    CLAIM_NAME,
    CONFIG_MAP,
    CONFIG_MAP_NAME,
    DISK_NAME,
    PULL_SECRET_NAME,
    SECRET,
    SECRET_NAME,
)
from berth.verify.rules import Rule
from berth.verify.shapes import count, flag, one_of, quantity, text
from berth.verify.table import Table, allow, derive, inside, only, table

_CONTAINER_DISK: Final = table(
    {
        "image": derive(Rule.IMAGES, image, lambda _: "is missing: name an image of the Workload"),
        "imagePullPolicy": only(Rule.IMAGES, "Always"),
        "imagePullSecret": PULL_SECRET_NAME,
    },
    deny={Rule.SHARED_FILES: ("path",)},  # one that leaves the image has read files of the node (CVE-2022-1798)
)
_CLOUD_INIT: Final = table(
    {
        "secretRef": inside(SECRET, "is missing: name the Secret with the user data"),
        "networkDataSecretRef": inside(SECRET),
    },
    deny={Rule.INLINE_SECRETS: ("userData", "userDataBase64", "networkData", "networkDataBase64")},
)
_HOT: Final = {Rule.NOT_WRITTEN: ("hotpluggable", "readOnly")}
_LABELLED: Final = {Rule.NOT_WRITTEN: ("volumeLabel",)}

MACHINE_VOLUME: Final[Table] = table(
    {
        "name": allow(text),
        "containerDisk": inside(_CONTAINER_DISK),
        "dataVolume": inside(table({"name": DISK_NAME}, deny={Rule.NOT_WRITTEN: ("hotpluggable",)})),
        "persistentVolumeClaim": inside(table({"claimName": CLAIM_NAME}, deny=_HOT)),
        "cloudInitNoCloud": inside(_CLOUD_INIT),
        "cloudInitConfigDrive": inside(_CLOUD_INIT),
        "sysprep": inside(table({"secret": inside(SECRET), "configMap": inside(CONFIG_MAP)})),
        "configMap": inside(table({"name": CONFIG_MAP_NAME, "optional": allow(flag)}, deny=_LABELLED)),
        "secret": inside(table({"secretName": SECRET_NAME, "optional": allow(flag)}, deny=_LABELLED)),
        "emptyDisk": inside(table({"capacity": allow(quantity)})),
    },
    deny={
        Rule.HOST_DISK: ("hostDisk",),
        Rule.SHARED_FILES: ("containerPath",),
        Rule.TOKEN: ("serviceAccount",),
        Rule.GUEST_CHANNELS: ("downwardAPI", "downwardMetrics"),
        Rule.DISKS: ("ephemeral", "memoryDump"),
    },
)

DISK: Final[Table] = table(
    {
        "name": allow(text),
        "disk": inside(
            table(
                {"bus": allow(one_of("virtio", "sata", "scsi"))},
                deny={Rule.HARDWARE: ("pciAddress",), Rule.NOT_WRITTEN: ("readonly",)},
            )
        ),
        "cdrom": inside(
            table({"bus": allow(one_of("sata", "scsi"))}, deny={Rule.NOT_WRITTEN: ("readonly", "tray")}),
        ),
        "serial": allow(text),
        "bootOrder": allow(count(1)),
    },
    deny={
        Rule.DEVICES: ("lun",),
        Rule.DISKS: ("shareable", "cache", "errorPolicy", "changedBlockTracking"),
        Rule.NODE_LOAD: ("dedicatedIOThread", "io"),
        Rule.HARDWARE: ("blockSize", "tag"),
    },
)
