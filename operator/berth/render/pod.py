"""The pod template that Deployments and Jobs share: restricted Pod Security, runtime and nodes of the class."""

from berth.api.levels import IsolationLevel
from berth.api.volume import Volume
from berth.api.workload import WorkloadSpec
from berth.decide.model import ClassFacts
from berth.render.container import init_containers, main_container, runs_as_root
from berth.render.ending import grace_period
from berth.render.fields import canonical, present, written
from berth.render.metadata import pod_labels
from berth.render.model import Object, Subject, Unrenderable
from berth.render.scheduling import anti_affinity, spread, tolerations


def pod_template(subject: Subject, facts: ClassFacts, *, restart_policy: str | None = None) -> Object:
    """Return the pod template; raise Unrenderable for what pods of this class must never do.

    `pod.spec.overhead` is never written: Kubernetes fills it in from the RuntimeClass and refuses any other value.
    """
    spec = subject.spec
    _refuse(spec, facts)
    return {
        "metadata": {"labels": pod_labels(subject, facts)},
        "spec": present(
            {
                "restartPolicy": restart_policy,
                "runtimeClassName": facts.runtime_class_name,
                "hostUsers": False if facts.user_namespaces else None,
                "priorityClassName": spec.priority_class_name,
                "serviceAccountName": spec.service_account_name,
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "terminationGracePeriodSeconds": grace_period(spec),
                "imagePullSecrets": [{"name": each.name} for each in spec.image_pull_secrets or ()],
                "securityContext": _security(spec),
                "initContainers": init_containers(spec, facts),
                "containers": [main_container(spec, facts)],
                "volumes": [_volume(each) for each in spec.volumes or ()],
                "nodeSelector": _node_selector(spec, facts) or None,
                "tolerations": tolerations(facts),
                "affinity": anti_affinity(subject, facts) or None,
                "topologySpreadConstraints": spread(subject),
            }
        ),
    }


def _refuse(spec: WorkloadSpec, facts: ClassFacts) -> None:
    needs = spec.needs
    if facts.level is not IsolationLevel.CONTAINER and facts.runtime_class_name is None:
        raise Unrenderable(
            f"class {facts.name} is {facts.level} but names no runtime: set pod.runtimeClassName of the IsolationClass"
        )
    if needs and (needs.privileged or needs.kernel_modules or needs.nested_virtualization):
        raise Unrenderable(
            "pods are never privileged, load no kernel modules and run no machines: use a class of virtual machines"
        )
    if needs and needs.root and facts.level is IsolationLevel.CONTAINER and not facts.user_namespaces:
        raise Unrenderable(
            f"needs.root in class {facts.name} would be root on the host's kernel: use a class with user namespaces,"
            " a sandbox or a machine"
        )


def _security(spec: WorkloadSpec) -> Object:
    given = spec.security_context
    root = runs_as_root(spec)
    return present(
        {
            "runAsNonRoot": not root,
            "runAsUser": 0 if root else given and given.run_as_user,
            "runAsGroup": given and given.run_as_group,
            "fsGroup": given and given.fs_group,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    )


def _volume(volume: Volume) -> Object:
    rendered = written(volume)
    if volume.empty_dir and volume.empty_dir.size_limit is not None:
        rendered["emptyDir"]["sizeLimit"] = canonical(volume.empty_dir.size_limit)
    return rendered


def _node_selector(spec: WorkloadSpec, facts: ClassFacts) -> Object:
    arch = spec.needs.architecture if spec.needs else None
    return ({"kubernetes.io/arch": arch} if arch else {}) | dict(facts.node_selector)
