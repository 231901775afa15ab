"""The eighteen controls of the Pod Security Standard restricted, each for pods, containers and init containers.

Source: kubernetes.io/docs/concepts/security/pod-security-standards.
"""

from dataclasses import replace
from typing import Any

import pytest

from berth.verify.check import verify
from berth.verify.rules import Rule
from golden import golden
from verify.bounds import golden_bounds
from verify.change import GONE, changed, path_of

CASE = "container-full"
POD = "spec.template.spec"
CONTAINERS = ("containers.0", "initContainers.0", "initContainers.1")

OF_THE_POD: list[tuple[Rule, str, Any]] = [
    (Rule.HOST_NAMESPACES, "hostNetwork", True),
    (Rule.HOST_NAMESPACES, "hostPID", True),
    (Rule.HOST_NAMESPACES, "hostIPC", True),
    (Rule.HOST_NAMESPACES, "shareProcessNamespace", True),
    (Rule.HOST_PATH, "volumes.0.hostPath", {"path": "/"}),
    (Rule.VOLUME_TYPES, "volumes.0.csi", {"driver": "x"}),
    (Rule.VOLUME_TYPES, "volumes.0.image", {"reference": "evil.example/x"}),
    (Rule.VOLUME_TYPES, "volumes.0.nfs", {"server": "10.0.0.1", "path": "/"}),
    (Rule.VOLUME_TYPES, "volumes.0.ephemeral", {"volumeClaimTemplate": {}}),
    (Rule.APP_ARMOR, "securityContext.appArmorProfile", {"type": "Unconfined"}),
    (Rule.SE_LINUX, "securityContext.seLinuxOptions", {"type": "spc_t"}),
    (Rule.SYSCTLS, "securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
    (Rule.HOST_PROCESS, "securityContext.windowsOptions", {"hostProcess": True}),
    (Rule.SECCOMP_RESTRICTED, "securityContext.seccompProfile.type", "Unconfined"),
    (Rule.SECCOMP_RESTRICTED, "securityContext.seccompProfile.type", GONE),
    (Rule.SECCOMP, "securityContext.seccompProfile.localhostProfile", "x"),
    (Rule.NON_ROOT, "securityContext.runAsNonRoot", False),
    (Rule.NON_ROOT, "securityContext.runAsNonRoot", GONE),
    (Rule.NON_ROOT_USER, "securityContext.runAsUser", 0),
    (Rule.NON_ROOT_USER, "securityContext.supplementalGroups", [0]),
]
OF_A_CONTAINER: list[tuple[Rule, str, Any]] = [
    (Rule.PRIVILEGED, "securityContext.privileged", True),
    (Rule.CAPABILITIES, "securityContext.capabilities.add", ["SYS_ADMIN"]),
    (Rule.CAPABILITIES, "securityContext.capabilities.add", ["CHOWN"]),
    (Rule.CAPABILITIES, "securityContext.capabilities.add", "NET_BIND_SERVICE"),
    (Rule.CAPABILITIES_RESTRICTED, "securityContext.capabilities.drop", ["NET_RAW"]),
    (Rule.CAPABILITIES_RESTRICTED, "securityContext.capabilities.drop", GONE),
    (Rule.ESCALATION, "securityContext.allowPrivilegeEscalation", True),
    (Rule.ESCALATION, "securityContext.allowPrivilegeEscalation", GONE),
    (Rule.HOST_PORTS, "ports", [{"containerPort": 80, "hostPort": 80}]),
    (Rule.HOST_PROBES, "livenessProbe", {"httpGet": {"port": 80, "host": "169.254.169.254"}}),
    (Rule.HOST_PROBES, "readinessProbe", {"tcpSocket": {"port": 80, "host": "169.254.169.254"}}),
    (Rule.HOST_PROBES, "startupProbe", {"httpGet": {"port": 80, "host": ""}}),
    (Rule.HOST_PROBES, "lifecycle", {"postStart": {"httpGet": {"port": 80, "host": "169.254.169.254"}}}),
    (Rule.HOST_PROBES, "lifecycle", {"postStart": {"sleep": {"seconds": 1}}}),
    (Rule.HOST_PROBES, "lifecycle", {"preStop": {"sleep": {"seconds": 1}, "exec": {"command": ["x"]}}}),
    (Rule.HOST_PROBES, "lifecycle", {"preStop": {"sleep": {"seconds": 1}, "tcpSocket": {"port": 80}}}),
    (Rule.APP_ARMOR, "securityContext.appArmorProfile", {"type": "Unconfined"}),
    (Rule.SE_LINUX, "securityContext.seLinuxOptions", {"user": "system_u"}),
    (Rule.PROC_MOUNT, "securityContext.procMount", "Unmasked"),
    (Rule.SECCOMP, "securityContext.seccompProfile", {"type": "Unconfined"}),
    (Rule.HOST_PROCESS, "securityContext.windowsOptions", {"hostProcess": True}),
    (Rule.NON_ROOT, "securityContext.runAsNonRoot", False),
    (Rule.NON_ROOT_USER, "securityContext.runAsUser", 0),
    (Rule.VOLUME_TYPES, "volumeDevices", [{"name": "scratch", "devicePath": "/dev/sda"}]),
    (Rule.SUB_PATH, "volumeMounts", [{"name": "scratch", "mountPath": "/x", "subPath": "../.."}]),
    (Rule.PRIVILEGED, "volumeMounts", [{"name": "scratch", "mountPath": "/x", "mountPropagation": "Bidirectional"}]),
]
CASES = [(rule, f"{POD}.{path}", value) for rule, path, value in OF_THE_POD] + [
    (rule, f"{POD}.{container}.{path}", value) for container in CONTAINERS for rule, path, value in OF_A_CONTAINER
]
CONTROLS = {
    *(Rule.HOST_PROCESS, Rule.HOST_NAMESPACES, Rule.PRIVILEGED, Rule.CAPABILITIES, Rule.HOST_PATH, Rule.HOST_PORTS),
    *(Rule.HOST_PROBES, Rule.APP_ARMOR, Rule.SE_LINUX, Rule.PROC_MOUNT, Rule.SECCOMP, Rule.SYSCTLS),
    *(Rule.VOLUME_TYPES, Rule.ESCALATION, Rule.NON_ROOT, Rule.NON_ROOT_USER, Rule.SECCOMP_RESTRICTED),
    Rule.CAPABILITIES_RESTRICTED,
}


@pytest.mark.parametrize(("rule", "path", "value"), CASES, ids=[f"{rule}-{path}" for rule, path, _ in CASES])
def test_what_a_control_forbids_is_refused_by_that_rule(rule: Rule, path: str, value: Any) -> None:
    body = changed(golden.children(CASE)[-1], path_of(path), value)
    assert {found.rule for found in verify(body, golden_bounds(CASE))} == {rule}


@pytest.mark.parametrize("name", ["ephemeralContainers", "containers", "initContainers"])
def test_a_container_without_a_security_context_is_refused(name: str) -> None:
    """Left out, the node's defaults hold, which are not restricted; ephemeral containers never come from here."""
    body = changed(golden.children(CASE)[-1], path_of(f"{POD}.{name}"), [{"name": "x", "image": "x"}])
    assert verify(body, golden_bounds(CASE))


def test_all_eighteen_controls_have_a_case() -> None:
    assert {rule for rule, _, _ in CASES} >= CONTROLS
    assert list(Rule)[:18] == sorted(CONTROLS, key=list(Rule).index)


@pytest.mark.parametrize(("user_namespaces", "may"), [(False, False), (True, True)])
def test_asking_for_root_gives_no_root_of_the_nodes_kernel(user_namespaces: bool, may: bool) -> None:
    """Whatever was decided: in a container on the shared kernel, user 0 needs a user namespace."""
    case = "container-root-user-namespace"
    body = changed(golden.children(case)[-1], path_of(f"{POD}.hostUsers"), False if user_namespaces else GONE)
    bounds = replace(golden_bounds(case), user_namespaces=user_namespaces)
    found = {each.rule for each in verify(body, bounds)}
    assert found == (set() if may else {Rule.NON_ROOT, Rule.NON_ROOT_USER, Rule.CAPABILITIES})


@pytest.mark.parametrize(
    ("case", "may"), [("container-full", False), ("container-root-user-namespace", True), ("gvisor-root", True)]
)
def test_user_0_is_only_where_it_is_not_user_0_of_the_node(case: str, may: bool) -> None:
    body = changed(golden.children(case)[-1], path_of(f"{POD}.securityContext.runAsUser"), 0)
    assert (verify(body, golden_bounds(case)) == ()) == may


@pytest.mark.parametrize(
    ("case", "added", "may"),
    [
        ("container-full", ["NET_BIND_SERVICE"], True),
        ("container-minimal", ["NET_BIND_SERVICE"], False),
        ("container-minimal", [], True),
        ("container-root-user-namespace", ["CHOWN", "SETGID", "SETUID"], True),
        ("container-root-user-namespace", ["CHOWN", "NET_RAW"], False),
        ("gvisor-root", ["CHOWN", "NET_BIND_SERVICE"], True),
        ("gvisor-root", ["NET_ADMIN"], False),
        ("gvisor-root", ["ALL"], False),
        ("gvisor", ["CHOWN"], False),
    ],
)
def test_capabilities_are_those_that_the_spec_names_and_those_of_root(case: str, added: list[str], may: bool) -> None:
    path = path_of(f"{POD}.containers.0.securityContext.capabilities.add")
    body = changed(golden.children(case)[-1], path, added)
    assert {each.rule for each in verify(body, golden_bounds(case))} == (set() if may else {Rule.CAPABILITIES})
