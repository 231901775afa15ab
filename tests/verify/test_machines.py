"""What a machine must never be: the threats of virtual machines, one by one, by the rule that stops each."""

from dataclasses import replace
from typing import Any

import pytest

from berth.verify.check import verify
from berth.verify.model import Network
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import golden_bounds
from verify.change import GONE, changed, path_of

CASE = "machine-disks"
INSTANCE = "spec.template.spec"
DOMAIN = f"{INSTANCE}.domain"
DEVICES = f"{DOMAIN}.devices"
VOLUME = f"{INSTANCE}.volumes.0"
USER_DATA = "#cloud-config\npassword: canary"

CASES: list[tuple[Rule, str, Any]] = [
    (Rule.HOST_DISK, f"{VOLUME}.hostDisk", {"path": "/etc/shadow", "type": "Disk"}),
    (Rule.SHARED_FILES, f"{VOLUME}.containerPath", {"path": "/"}),
    (Rule.SHARED_FILES, f"{INSTANCE}.volumes.2.containerDisk.path", "../../etc/passwd"),
    (Rule.SHARED_FILES, f"{DEVICES}.filesystems", [{"name": "x", "virtiofs": {}}]),
    (Rule.SHARED_FILES, f"{INSTANCE}.utilityVolumes", [{"name": "x"}]),
    (Rule.DISKS, f"{VOLUME}.memoryDump", {"claimName": "x"}),
    (Rule.DISKS, f"{VOLUME}.ephemeral", {"persistentVolumeClaim": {"claimName": "x"}}),
    (Rule.DISKS, f"{DEVICES}.disks.0.shareable", True),
    (Rule.DISKS, "spec.dataVolumeTemplates", [{"spec": {"source": {"pvc": {"namespace": "other", "name": "disk"}}}}]),
    (Rule.TOKEN, f"{VOLUME}.serviceAccount", {"serviceAccountName": "admin"}),
    (Rule.GUEST_CHANNELS, f"{VOLUME}.downwardAPI", {"fields": []}),
    (Rule.GUEST_CHANNELS, f"{VOLUME}.downwardMetrics", {}),
    (Rule.GUEST_CHANNELS, f"{DEVICES}.downwardMetrics", {}),
    (Rule.GUEST_CHANNELS, f"{DEVICES}.autoattachVSOCK", True),
    (Rule.GUEST_CHANNELS, f"{DEVICES}.logSerialConsole", True),
    (Rule.INLINE_SECRETS, f"{VOLUME}.cloudInitNoCloud", {"secretRef": {"name": "store-keys"}, "userData": USER_DATA}),
    (
        Rule.INLINE_SECRETS,
        f"{VOLUME}.cloudInitNoCloud",
        {"secretRef": {"name": "store-keys"}, "networkDataBase64": "eA=="},
    ),
    (Rule.INLINE_SECRETS, f"{VOLUME}.cloudInitConfigDrive", {"userData": USER_DATA}),
    (
        Rule.INLINE_SECRETS,
        f"{INSTANCE}.accessCredentials",
        [{"userPassword": {"source": {"secret": {"secretName": "of-another"}}, "propagationMethod": {}}}],
    ),
    (Rule.REFERENCES, f"{VOLUME}.cloudInitNoCloud", {"secretRef": {"name": "of-another"}}),
    (Rule.REFERENCES, f"{VOLUME}.sysprep", {"secret": {"name": "of-another"}}),
    (Rule.REFERENCES, f"{VOLUME}.sysprep", {"configMap": {"name": "of-another"}}),
    (Rule.DEVICES, f"{DEVICES}.clientPassthrough", {}),
    (Rule.DEVICES, f"{DEVICES}.hostDevices", [{"name": "x", "deviceName": "evil.example/device"}]),
    (Rule.DEVICES, f"{DEVICES}.gpus", [{"name": "x", "deviceName": "evil.example/gpu"}]),
    (Rule.DEVICES, f"{DEVICES}.disks.0.lun", {"reservation": True}),
    (Rule.DEVICES, f"{INSTANCE}.resourceClaims", [{"name": "x"}]),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.bridge", {}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.sriov", {}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.macvtap", {}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.slirp", {}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.passtBinding", {}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.binding", {"name": "plugin"}),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.macAddress", "02:00:00:00:00:01"),
    (Rule.NETWORK, f"{DEVICES}.interfaces.0.model", "e1000e"),
    (Rule.HARDWARE, f"{DOMAIN}.machine", {"type": "pc-q35-4.2"}),
    (Rule.HARDWARE, f"{DOMAIN}.clock", {"timezone": "Europe/Berlin"}),
    (Rule.HARDWARE, f"{DOMAIN}.clock", {"utc": {}, "timer": {"hyperv": {}}}),
    (Rule.GUEST_IDENTITY, f"{DOMAIN}.firmware", {"serial": "x,uuid=y"}),
    (Rule.NETWORK, f"{DEVICES}.autoattachPodInterface", False),
    (Rule.NETWORK, f"{INSTANCE}.networks", [{"name": "default", "multus": {"networkName": "kube-system/x"}}]),
    (Rule.EXPOSURE, f"{DEVICES}.interfaces.0.portRanges", [{"start": 1, "end": 65535}]),
    (Rule.NAMES, f"{INSTANCE}.subdomain", "postgres"),
    (Rule.NAMES, f"{INSTANCE}.hostname", "postgres"),
    (Rule.NAMES, f"{INSTANCE}.dnsConfig", {"nameservers": ["192.0.2.1"]}),
    (Rule.NODES, f"{INSTANCE}.schedulerName", "other"),
    (Rule.NODE_LOAD, f"{DOMAIN}.cpu.dedicatedCpuPlacement", True),
    (Rule.NODE_LOAD, f"{DOMAIN}.cpu.isolateEmulatorThread", True),
    (Rule.NODE_LOAD, f"{DOMAIN}.cpu.realtime", {}),
    (Rule.NODE_LOAD, f"{DOMAIN}.cpu.numa", {"guestMappingPassthrough": {}}),
    (Rule.NODE_LOAD, f"{DOMAIN}.memory.hugepages", {"pageSize": "1Gi"}),
    (Rule.NODE_LOAD, f"{DOMAIN}.memory.reservedOverhead", {"memLock": "Required"}),
    (Rule.NODE_LOAD, f"{DOMAIN}.resources", {"limits": {"memory": "1Ti"}, "overcommitGuestOverhead": True}),
    (Rule.NODE_LOAD, f"{DOMAIN}.ioThreadsPolicy", "auto"),
    (Rule.HARDWARE, f"{DOMAIN}.cpu.model", "host-passthrough"),
    (Rule.HARDWARE, f"{DOMAIN}.cpu.features", [{"name": "vmx", "policy": "require"}]),
    (Rule.HARDWARE, f"{DOMAIN}.features", {"hypervPassthrough": {"enabled": True}}),
    (Rule.IMAGES, f"{DOMAIN}.firmware", {"kernelBoot": {"container": {"image": "evil.example/kernel"}}}),
    (Rule.GUEST_IDENTITY, f"{DOMAIN}.firmware", {"uuid": "5d307ca9-b3ef-428c-8861-06e72d69f223"}),
    (Rule.GUEST_IDENTITY, f"{DOMAIN}.chassis", {"serial": "x"}),
    (Rule.INSTANCETYPE, "spec.instancetype", {"kind": "VirtualMachineClusterInstancetype", "name": "huge"}),
    (Rule.INSTANCETYPE, "spec.preference", {"kind": "VirtualMachinePreference", "name": "own"}),
    (Rule.LIFETIME, f"{INSTANCE}.startStrategy", "Paused"),
    (Rule.EVICTION, f"{INSTANCE}.evictionStrategy", "LiveMigrate"),
    (Rule.HOST_PROBES, f"{INSTANCE}.livenessProbe", {"httpGet": {"port": 80, "host": "169.254.169.254"}}),
    (Rule.HOST_PROBES, f"{INSTANCE}.readinessProbe", {"tcpSocket": {"port": 80, "host": "10.0.0.1"}}),
    (Rule.ANNOTATIONS, "metadata.annotations", {"hooks.kubevirt.io/hookSidecars": '[{"image": "evil.example/x"}]'}),
    (Rule.ANNOTATIONS, f"{INSTANCE.removesuffix('.spec')}.metadata.annotations", {"kubevirt.io/ignitiondata": "{}"}),
]


@pytest.mark.parametrize(("rule", "path", "value"), CASES, ids=[f"{rule}-{path}" for rule, path, _ in CASES])
def test_what_a_machine_must_never_have_is_refused_by_its_rule(rule: Rule, path: str, value: Any) -> None:
    body = changed(golden.children(CASE)[-1], path_of(path), value)
    assert rule in {found.rule for found in verify(body, golden_bounds(CASE))}


@pytest.mark.parametrize("field", ["nameGeneration", "scaleInStrategy", "autohealing", "paused"])
def test_a_pool_has_no_ways_of_its_own(field: str) -> None:
    """Its members would refer to other Secrets, keep disks of their own, or be left alone."""
    body = changed(golden.children("machine-pool")[-1], ("spec", field), {})
    assert verify(body, golden_bounds("machine-pool"))


def test_a_pool_replaces_one_machine_at_a_time() -> None:
    """KubeVirt's default restarts all of them at once."""
    body = changed(golden.children("machine-pool")[-1], path_of("spec.maxUnavailable"), GONE)
    assert [found.path for found in verify(body, golden_bounds("machine-pool"))] == ["spec.maxUnavailable"]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("cpu.model", "host-passthrough", Rule.HARDWARE),
        ("firmware", {"serial": "x"}, Rule.GUEST_IDENTITY),
    ],
)
def test_members_of_a_pool_are_known_by_nothing_of_their_own(path: str, value: Any, rule: Rule) -> None:
    whole = path_of(f"spec.virtualMachineTemplate.{DOMAIN}.{path}")
    body = changed(golden.children("machine-pool")[-1], whole, value)
    assert [found.rule for found in verify(body, golden_bounds("machine-pool"))] == [rule]


def test_a_machine_that_is_not_asked_to_run_is_halted() -> None:
    body = changed(golden.children("machine-halted")[-1], path_of("spec.runStrategy"), "Always")
    assert {found.rule for found in verify(body, golden_bounds("machine-halted"))} == {Rule.RESOURCES}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{DOMAIN}.firmware.uuid", "5d307ca9-b3ef-428c-8861-06e72d69f224"),
        (f"{DOMAIN}.firmware.serial", GONE),
        (f"{DOMAIN}.machine.type", "pc-q35-4.2"),
        (f"{DOMAIN}.clock", GONE),
        (f"{DEVICES}.interfaces.0.macAddress", "52:54:00:ab:cd:ee"),
        (f"{DEVICES}.interfaces.0.model", GONE),
        (f"{INSTANCE}.hostname", "postgres"),
        (f"{INSTANCE}.evictionStrategy", "LiveMigrateIfPossible"),
        (f"{INSTANCE}.accessCredentials.0.sshPublicKey.source.secret.secretName", "of-another"),
        (f"{INSTANCE}.accessCredentials.0.sshPublicKey.propagationMethod.qemuGuestAgent", {"users": "root"}),
    ],
)
def test_a_guest_is_known_by_what_the_workload_says_and_nothing_else(path: str, value: Any) -> None:
    body = changed(golden.children("machine-imported")[-1], path_of(path), value)
    assert verify(body, golden_bounds("machine-imported"))


LAN = "machine-networks"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{INSTANCE}.networks.1.multus.networkName", "kube-system/node"),
        (f"{INSTANCE}.networks.1.multus.default", True),
        (f"{INSTANCE}.networks.2", GONE),
        (f"{DEVICES}.interfaces.1.bridge", GONE),
        (f"{DEVICES}.interfaces.1.macAddress", GONE),
        (f"{DEVICES}.interfaces.1.masquerade", {}),
        (f"{DEVICES}.interfaces.2", {"name": "fast", "bridge": {}}),
        (f"{DEVICES}.interfaces.0", {"name": "default", "bridge": {}}),
    ],
)
def test_a_guest_joins_the_networks_of_its_workload_and_no_others(path: str, value: Any) -> None:
    body = changed(golden.children(LAN)[-1], path_of(path), value)
    assert not verify(golden.children(LAN)[-1], golden_bounds(LAN))
    assert Rule.NETWORK in {found.rule for found in verify(body, golden_bounds(LAN))}


@pytest.mark.parametrize("bounds", [{"attachments": frozenset({"lan"})}, {"network": Network(frozenset({"shop"}))}])
def test_a_network_that_no_tenant_lists_or_isolation_forbids_is_refused(bounds: dict[str, Any]) -> None:
    found = verify(golden.children(LAN)[-1], replace(golden_bounds(LAN), **bounds))
    assert f"{INSTANCE}.networks" in {each.path for each in found}
