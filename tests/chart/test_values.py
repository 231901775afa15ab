"""Values that would do nothing, or not what they seem to, are refused with the place where they stand."""

import pytest

from chart.values import leaves, values
from ground import chart

REFUSED = {
    "settings.wokers=3": "/settings': additional properties 'wokers' not allowed",
    "settings.workers=0": "/settings/workers': minimum",
    "settings.default_level=Marble": "/settings/default_level': value must be one of",
    "settings.listen_port=9090": "'listen_port' not allowed",
    "settings.metrics_secure=true": "'metrics_secure' not allowed",
    "replicas=0": "/replicas': minimum",
    "image.pullPolicy=Sometimes": "/image/pullPolicy': value must be one of",
    "image.digest=latest": "/image/digest': 'latest' does not match pattern",
    "tolerations[0].efect=NoSchedule": "/tolerations/0': additional properties 'efect' not allowed",
    "affinity.podAffinty=x": "additional properties 'podAffinty' not allowed",
    "resources.request.cpu=1": "additional properties 'request' not allowed",
    "extraEnv[0].nmae=x": "additional properties 'nmae' not allowed",
    "classes.gvisor.level=Strong": "/classes/gvisor/level': value must be one of",
    "classes.gvisor.pod.runtimeClass=x": "/classes/gvisor/pod': additional properties 'runtimeClass' not allowed",
    "policies.sandbox-unvouched.mode=Loud": "/policies/sandbox-unvouched/mode': value must be one of",
    "policies.new.match.namespace=x": "/policies/new/match': additional properties 'namespace' not allowed",
    "image.repository=": "/image/repository': '' does not match pattern",
    "image.tag=a b": "/image/tag': 'a b' does not match pattern",
    "probe.image.repository=": "/probe/image/repository': '' does not match pattern",
    "probe.image.repository=a b": "/probe/image/repository': 'a b' does not match pattern",
    "probe.metadataAddress=169.254.169.254": "/probe/metadataAddress': '169.254.169.254' does not match pattern",
    "probe.metadataAddress=fd00:ec2::254": "/probe/metadataAddress': 'fd00:ec2::254' does not match pattern",
    "probe.forbiddenPeers={fd00:ec2::254}": "/probe/forbiddenPeers/0': 'fd00:ec2::254' does not match pattern",
    f"probe.forbiddenPeers={{{','.join(['db.example:80'] * 31)}}}": "/probe/forbiddenPeers': maxItems",
    "networkPolicy.scrapers=null,networkPolicy.scrapers={}": "/networkPolicy/scrapers",
    "networkPolicy.apiServerPorts={70000}": "maximum",
    "metrics.readers[0].name=prometheus": "missing property 'namespace'",
    "metrics.serviceMonitor.interval=often": "/metrics/serviceMonitor/interval",
    "metrics.serviceMonitor.honorLabels=false": "additional properties 'honorLabels' not allowed",
    "admission.kubevirtNamespace=": "/admission/kubevirtNamespace': '' does not match pattern",
    "admission.cdiNamespace=CDI": "/admission/cdiNamespace': 'CDI' does not match pattern",
    "docsUrl=https://docs.example/": "/docsUrl': 'https://docs.example/' does not match pattern",
    "crds.install=true": "/crds': additional properties 'install' not allowed",
    "preview.apiServers={everywhere}": "/preview/apiServers/0",
    "podLabels.a=1": "/podLabels/a': got number, want string",
    "serviceAccount.name=": "/serviceAccount/name': minLength",
    "operator.replicas=2": "additional properties 'operator' not allowed",
    "preview.enabled=true": "preview.certificate: set certManager, or secretName and caBundle",
    "metrics.secure=true,metrics.podMonitor.enabled=true": "needs metrics.token.secretName",
}


@pytest.mark.ground
@pytest.mark.xdist_group("helm")
@pytest.mark.parametrize("given", REFUSED)
def test_it_is_refused(given: str) -> None:
    with pytest.raises(chart.HelmError) as refused:
        chart.render("--set", given)
    assert REFUSED[given] in str(refused.value)


@pytest.mark.ground
@pytest.mark.xdist_group("helm")
def test_an_older_kubernetes_is_refused() -> None:
    with pytest.raises(chart.HelmError, match=r"requires kubeVersion: >=1\.33\.0-0"):
        chart.render("--kube-version", "1.32.9")
    assert chart.render("--kube-version", "1.33.1-eks-1234567")


def test_a_value_without_a_comment_is_told() -> None:
    with pytest.raises(ValueError, match=r"tracing\.enabled of values\.yaml has no comment"):
        values("# Traces.\ntracing:\n  enabled: false\n")


def test_comments_are_read_with_their_values() -> None:
    found = list(
        leaves(
            values("# One.\n# More of it.\n# @schema {minimum: 1}\none: 1\n\n# Two.\ntwo:\n  # Three.\n  three: []\n")
        )
    )
    assert [(each.path, each.meaning, each.default) for each in found] == [
        ("one", "One. More of it.", 1),
        ("two", "Two.", {"three": []}),
        ("two.three", "Three.", []),
    ]
    assert found[0].schema == {"minimum": 1}
