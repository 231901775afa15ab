"""What helm makes of the chart is valid and fits together, with every set of values in `ci/`."""

import json
import re
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

import berth
from berth.app.preview.server import PATH
from berth.app.settings import PreviewSettings, Settings
from chart import install
from chart.rendered import CASES, container, environment, named, objects, of
from chart.schema import CHARTS_OWN
from dashboards.rules import ALERTS
from ground import chart
from ground.api import Json

pytestmark = [pytest.mark.ground, pytest.mark.xdist_group("helm")]

OTHERS = ("berth.dev/", "monitoring.coreos.com/", "cert-manager.io/")
DEPLOYMENTS = [(case, each["metadata"]["name"]) for case in CASES for each in of(case, "Deployment")]
WORKERS = 40


def labels(deployment: Json) -> dict[str, str]:
    found: dict[str, str] = deployment["spec"]["template"]["metadata"]["labels"]
    return found


def ports(deployment: Json) -> dict[str, int]:
    return {each["name"]: each["containerPort"] for each in container(deployment)["ports"]}


def selected(case: str, selector: dict[str, str]) -> list[str]:
    return [each["metadata"]["name"] for each in of(case, "Deployment") if selector.items() <= labels(each).items()]


def test_install_yaml_is_what_helm_makes_of_the_chart() -> None:
    assert install.text() == chart.INSTALL.read_text()


@pytest.mark.parametrize("case", CASES)
def test_every_object_is_valid(case: str) -> None:
    for each in objects(case):
        if not each["apiVersion"].startswith(OTHERS):
            validate(each, "1.37", strict=True)


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_there_twice_and_everything_is_labelled(case: str) -> None:
    names = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects(case)]
    assert len(names) == len(set(names))
    assert all(each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "berth" for each in objects(case))


@pytest.mark.parametrize(("case", "name"), DEPLOYMENTS)
def test_pods_are_selected_by_what_is_meant_for_them_alone(case: str, name: str) -> None:
    deployment = named(case, "Deployment", name)
    assert selected(case, deployment["spec"]["selector"]["matchLabels"]) == [name]
    assert selected(case, named(case, "Service", name)["spec"]["selector"]) == [name]
    spreads = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert selected(case, spreads[0]["labelSelector"]["matchLabels"]) == [name]
    for policy in of(case, "NetworkPolicy"):
        if policy["metadata"]["name"] == name:
            assert selected(case, policy["spec"]["podSelector"]["matchLabels"]) == [name]


@pytest.mark.parametrize(("case", "name"), DEPLOYMENTS)
def test_ports_line_up(case: str, name: str) -> None:
    deployment = named(case, "Deployment", name)
    given = ports(deployment)
    assert given["http"] == Settings.model_fields["listen_port"].default
    assert given.get("webhook", 8443) == PreviewSettings.model_fields["preview_port"].default
    assert {container(deployment)[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")} == {
        "http"
    }
    assert {each["targetPort"] for each in named(case, "Service", name)["spec"]["ports"]} <= given.keys()
    admitted = {
        port["port"]
        for policy in of(case, "NetworkPolicy")
        if policy["metadata"]["name"] == name
        for rule in policy["spec"]["ingress"]
        for port in rule["ports"]
    }
    assert admitted <= set(given.values())


@pytest.mark.parametrize(("case", "name"), DEPLOYMENTS)
def test_pods_have_all_that_they_name(case: str, name: str) -> None:
    pod = named(case, "Deployment", name)["spec"]["template"]["spec"]
    mounted = {each["name"]: each["mountPath"] for each in container(named(case, "Deployment", name))["volumeMounts"]}
    assert mounted.keys() == {each["name"] for each in pod["volumes"]}
    files = [
        value for value in environment(named(case, "Deployment", name)).values() if value.startswith("/etc/berth/")
    ]
    assert {file.rpartition("/")[0] for file in files} == {path for path in mounted.values() if path != "/tmp"}
    accounts = {each["metadata"]["name"] for each in of(case, "ServiceAccount")}
    assert pod["serviceAccountName"] in accounts | {"operator"}  # that of `minimal` is made by others


@pytest.mark.parametrize("case", CASES)
def test_the_account_of_the_pods_is_that_of_rights_and_admission(case: str) -> None:
    account = named(case, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    for name in ("berth-operator", "berth-leader"):
        kind = "RoleBinding" if name == "berth-leader" else "ClusterRoleBinding"
        [subject] = named(case, kind, name)["subjects"]
        assert (subject["name"], subject["namespace"]) == (account, chart.NAMESPACE)
    user = f"system:serviceaccount:{chart.NAMESPACE}:{account}"
    told = [each for each in of(case, "ValidatingAdmissionPolicy") if "system:serviceaccount:berth" in json.dumps(each)]
    assert all(user in json.dumps(each) for each in told)
    assert bool(told) == (case != "minimal")


def test_nothing_names_another_namespace_or_account_than_is_given() -> None:
    text = chart.render(
        "--set",
        "serviceAccount.name=captain,preview.enabled=true,preview.certificate.certManager=true",
        namespace="sea",
    )
    assert chart.NAMESPACE not in text
    assert "system:serviceaccount:sea:captain'" in text
    account = [each["subjects"] for each in chart.objects("ClusterRoleBinding", source=text)]
    assert [subject["namespace"] for subjects in account for subject in subjects] == ["sea", "sea"]


def test_controllers_of_machines_are_trusted_where_they_are() -> None:
    text = chart.render("--set", "admission.kubevirtNamespace=machines,admission.cdiNamespace=disks")
    trusted = "\n".join(chart.texts(*chart.ADMISSION, source=text))
    for namespace in ("machines", "disks"):
        assert f"'system:serviceaccounts:{namespace}'" in trusted
    assert "['machines', 'disks']" in trusted
    assert not re.findall(r"'(?:system:serviceaccounts:)?(?:kubevirt|cdi)'", trusted)


def test_links_of_alerts_and_dashboards_lead_to_the_pages_that_are_given() -> None:
    shown = "metrics.prometheusRule.enabled=true,dashboards.enabled=true"
    for more, pages in (("", "https://berth.dev/docs"), (",docsUrl=http://pages.example/b", "http://pages.example/b")):
        text = chart.render("--set", f"{shown}{more}")
        found = "\n".join(chart.texts("PrometheusRule", "ConfigMap", source=text))
        links = re.findall(r"https?://\S+", found)
        assert len(links) > len(ALERTS)
        assert all(link.startswith(f"{pages}/runbooks/") for link in links), set(links)


def test_settings_reach_operator_and_preview_as_they_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    operator, preview = (environment(named("everything", "Deployment", name)) for name in ("berth", "berth-preview"))
    for name, value in operator.items():
        if name.startswith("BERTH_"):
            assert name.startswith("BERTH_PROBE_") or preview[name] == value, "the operator alone runs probes"
            monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.workers, settings.waiver_max_seconds, settings.default_level) == (WORKERS, 7776000, "Sandboxed")
    assert settings.allowed_service_accounts == {"builder", "deployer"}
    assert settings.tracing


@pytest.mark.parametrize(("case", "name"), DEPLOYMENTS)
def test_pods_are_given_settings_that_there_are(case: str, name: str) -> None:
    known = {f"BERTH_{each.upper()}" for each in (Settings if name == "berth" else PreviewSettings).model_fields}
    given = {each["name"] for each in container(named(case, "Deployment", name))["env"]}
    assert {each for each in given if each.startswith("BERTH_")} <= known
    assert Settings.model_fields.keys() >= CHARTS_OWN


def test_a_changed_setting_changes_the_pods() -> None:
    [one], [other] = (
        chart.objects("Deployment", source=chart.render("--set", f"settings.workers={count}")) for count in (20, 21)
    )
    assert one["spec"]["template"] != other["spec"]["template"]


def test_the_image_is_of_the_chart_s_version_or_by_digest() -> None:
    assert container(named("default", "Deployment"))["image"] == f"berth:{berth.__version__}"
    assert container(named("everything", "Deployment"))["image"].startswith("registry.example/berth@sha256:")
    assert yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"] == berth.__version__


def test_what_is_set_for_pods_reaches_all_of_them() -> None:
    given = yaml.safe_load((chart.CHART / "ci" / "everything-values.yaml").read_text())
    for deployment in of("everything", "Deployment"):
        pod = deployment["spec"]["template"]
        for name in ("priorityClassName", "nodeSelector", "tolerations", "affinity", "imagePullSecrets"):
            assert pod["spec"][name] == given[name]
        assert pod["spec"]["topologySpreadConstraints"][1:] == given["topologySpreadConstraints"]
        assert pod["metadata"]["labels"].items() >= (given["podLabels"] | given["commonLabels"]).items()
        assert pod["metadata"]["annotations"] == given["podAnnotations"]
        assert all(each in container(deployment)["env"] for each in given["extraEnv"])
    assert container(named("everything", "Deployment"))["args"] == ["operator", *given["extraArgs"]]
    assert all(each["metadata"]["labels"]["team"] == "platform" for each in objects("everything"))


def test_crds_are_those_of_the_repository_and_kept() -> None:
    wanted = {path.name: yaml.safe_load(path.read_text()) for path in (chart.REPOSITORY / "crds").glob("*.yaml")}
    found = of("default", "CustomResourceDefinition")
    assert sorted((each["spec"] for each in found), key=json.dumps) == sorted(
        (each["spec"] for each in wanted.values()), key=json.dumps
    )
    assert all(each["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for each in found)
    let_go = chart.objects("CustomResourceDefinition", source=chart.render("--set", "crds.keep=false"))
    assert len(let_go) == len(found)
    assert not any("annotations" in each["metadata"] for each in let_go)


def test_where_the_kinds_are_new_classes_and_policies_come_after_their_crds() -> None:
    text = chart.helm("template", chart.RELEASE, str(chart.CHART), "--namespace", chart.NAMESPACE)
    kinds = ("IsolationClass", "IsolationPolicy")
    found = chart.objects(*kinds, source=text)
    assert [each["metadata"]["name"] for each in found] == [
        each["metadata"]["name"] for kind in kinds for each in of("default", kind)
    ]
    for each in found:
        notes = each["metadata"]["annotations"]
        assert notes["helm.sh/hook"] == "post-install,post-upgrade"
        assert (notes["meta.helm.sh/release-name"], notes["meta.helm.sh/release-namespace"]) == (
            "berth",
            "berth-system",
        )
    assert not any("hook" in json.dumps(each) for kind in kinds for each in of("default", kind))


def test_classes_and_policies_can_be_left_out_and_added() -> None:
    assert [each["metadata"]["name"] for each in of("minimal", "IsolationClass")] == ["container"]
    assert of("minimal", "IsolationPolicy") == []
    text = chart.render("--set", "classes.dedicated.level=Virtualized,classes.dedicated.pod.runtimeClassName=kata-qemu")
    found = {each["metadata"]["name"]: each["spec"] for each in chart.objects("IsolationClass", source=text)}
    assert found["dedicated"] == {"level": "Virtualized", "pod": {"runtimeClassName": "kata-qemu"}}


@pytest.mark.parametrize(("case", "secret"), [("secure", "berth-metrics-tls"), ("secure-own", None)])
def test_secure_metrics_are_served_and_asked_for_as_such(case: str, secret: str | None) -> None:
    deployment = named(case, "Deployment")
    given = environment(deployment)
    assert (given["BERTH_METRICS_SECURE"], given["BERTH_METRICS_PORT"]) == ("true", str(ports(deployment)["metrics"]))
    volumes = [
        each["secret"]["secretName"] for each in deployment["spec"]["template"]["spec"]["volumes"] if "secret" in each
    ]
    assert volumes == ([secret] if secret else [])
    [endpoint] = named(case, "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["scheme"], endpoint["tlsConfig"].get("insecureSkipVerify", False)) == ("https", secret is None)
    rules = named(case, "ClusterRole", "berth-metrics-auth")["rules"]
    assert [(*rule["resources"], *rule["verbs"]) for rule in rules] == [
        ("tokenreviews", "create"),
        ("subjectaccessreviews", "create"),
    ]


def test_each_that_serves_secure_metrics_may_ask_who_scrapes() -> None:
    subjects = named("secure", "ClusterRoleBinding", "berth-metrics-auth")["subjects"]
    served = [each["spec"]["template"]["spec"] for each in of("secure", "Deployment")]
    assert [each["name"] for each in subjects] == [each["serviceAccountName"] for each in served]
    assert not any(each["metadata"]["name"] == "berth-metrics-auth" for each in of("default", "ClusterRole"))
    [reader] = named("secure", "ClusterRoleBinding", "berth-metrics-reader")["subjects"]
    assert (reader["namespace"], reader["name"]) == ("monitoring", "prometheus-k8s")


def test_the_certificate_of_metrics_is_for_the_name_that_is_verified() -> None:
    certificate = named("secure", "Certificate", "berth-metrics")["spec"]
    [endpoint] = named("secure", "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["tlsConfig"]["serverName"] in certificate["dnsNames"]
    assert endpoint["tlsConfig"]["ca"]["secret"]["name"] == certificate["secretName"]


@pytest.mark.parametrize("case", ["everything", "secure"])
def test_monitors_find_operator_and_preview(case: str) -> None:
    both = ["berth", "berth-preview"]
    wanted = named(case, "ServiceMonitor")["spec"]
    [endpoint] = wanted["endpoints"]
    found = [
        each
        for each in of(case, "Service")
        if wanted["selector"]["matchLabels"].items() <= each["metadata"]["labels"].items()
    ]
    assert [each["metadata"]["name"] for each in found] == both
    for service in found:
        deployment = named(case, "Deployment", service["metadata"]["name"])
        [port] = [each for each in service["spec"]["ports"] if each["name"] == endpoint["port"]]
        assert ports(deployment)[port["targetPort"]] == port["port"]
    pods = named(case, "PodMonitor")["spec"]
    assert selected(case, pods["selector"]["matchLabels"]) == both
    [by_pod] = pods["podMetricsEndpoints"]
    assert all(by_pod["port"] in ports(named(case, "Deployment", name)) for name in both)
    assert (endpoint["honorLabels"], by_pod["honorLabels"]) == (True, True)


def rules(groups: list[Json]) -> list[Json]:
    return [rule for group in groups for rule in group["rules"]]


def test_every_rule_is_in_the_prometheusrule_and_alerts_have_the_labels_given() -> None:
    written = yaml.safe_load((chart.CHART / "files" / "rules.yaml").read_text())["groups"]
    found = named("everything", "PrometheusRule")["spec"]["groups"]
    assert [group["name"] for group in found] == [group["name"] for group in written]
    for made, rule in zip(rules(found), rules(written), strict=True):
        more: dict[str, Any] = {"labels": rule.get("labels", {}) | {"team": "platform"}} if "alert" in rule else {}
        assert made == rule | more


def test_alerts_can_be_left_out() -> None:
    first = next(
        rule["alert"] for rule in rules(named("everything", "PrometheusRule")["spec"]["groups"]) if "alert" in rule
    )
    text = chart.render("--set", f"metrics.prometheusRule.enabled=true,metrics.prometheusRule.disabled={{{first}}}")
    assert "PrometheusRule" in text
    assert f"alert: {first}\n" not in text


def test_every_dashboard_is_in_a_configmap_that_the_sidecar_finds() -> None:
    found = [each for each in of("everything", "ConfigMap") if each["metadata"]["name"].startswith("berth-dashboard-")]
    written = {f"berth-{path.name}": path.read_text() for path in (chart.CHART / "files" / "dashboards").glob("*.json")}
    assert {name: text for each in found for name, text in each["data"].items()} == written
    for each in found:
        assert each["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert each["metadata"]["annotations"] == {"grafana_folder": "Berth"}
        assert each["metadata"]["namespace"] == "monitoring"


def test_a_given_certificate_of_the_preview_is_used() -> None:
    [hook] = named("preview", "ValidatingWebhookConfiguration", "berth-preview")["webhooks"]
    assert hook["clientConfig"]["service"]["path"] == PATH
    assert hook["clientConfig"]["caBundle"].startswith("LS0tLS1CRUdJTi")
    volumes = named("preview", "Deployment", "berth-preview")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "tls", "secret": {"secretName": "preview-tls", "defaultMode": 0o440}} in volumes
    assert of("preview", "Certificate") == []
