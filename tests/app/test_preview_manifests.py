"""The shipped manifests of the preview: it may only read, is asked about dry-runs alone, and never stands in the way."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from berth.app.feeds import reflectors
from berth.app.preview.server import PATH
from berth.app.settings import PreviewSettings
from berth.kube.client import Client
from berth.kube.resources import OWN
from berth.world.store import Store

MANIFESTS = Path(__file__).resolve().parents[2] / "manifests"
Json = dict[str, Any]


def documents(*files: str) -> dict[str, Json]:
    """Return the objects of some files, by kind."""
    texts = ((MANIFESTS / "preview" / file).read_text() for file in files)
    return {each["kind"]: each for text in texts for each in yaml.safe_load_all(text)}


def rights(role: Json) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def test_it_may_read_exactly_what_it_watches_and_write_nothing() -> None:
    given = rights(documents("rbac.yaml")["ClusterRole"])
    assert {verb for _, _, verb in given} <= {"get", "list", "watch"}
    client = Client(lambda: None, "http://nowhere")  # type: ignore[arg-type, return-value]  # nothing is sent
    watched = {*OWN, *reflectors(client, Store(lambda _: None, lambda: None), lambda *_: None, 1.0)}
    assert {(group, resource) for group, resource, _ in given} == {(each.group, each.plural) for each in watched}
    assert {(each.group, each.plural, verb) for each in watched for verb in ("list", "watch")} <= given


def test_it_may_read_nothing_that_the_operator_may_not() -> None:
    operator = next(
        each
        for each in yaml.safe_load_all((MANIFESTS / "operator" / "rbac.yaml").read_text())
        if each["kind"] == "ClusterRole" and each["metadata"]["name"] == "berth-operator"
    )
    assert rights(documents("rbac.yaml")["ClusterRole"]) <= rights(operator)


def test_it_is_asked_about_dry_runs_alone_and_requests_pass_without_it() -> None:
    [hook] = documents("webhook.yaml")["ValidatingWebhookConfiguration"]["webhooks"]
    assert (hook["failurePolicy"], hook["sideEffects"], hook["timeoutSeconds"]) == ("Ignore", "None", 5)
    assert [each["expression"] for each in hook["matchConditions"]] == ["has(request.dryRun) && request.dryRun"]
    assert {group for rule in hook["rules"] for group in rule["apiGroups"]} == {"berth.dev"}
    assert {name for rule in hook["rules"] for name in rule["resources"]} == {
        "workloads",
        "isolationpolicies",
        "tenants",
        "waivers",
    }


def test_webhook_service_deployment_and_certificate_fit_together() -> None:
    found = documents("webhook.yaml", "deployment.yaml", "certificate.yaml", "rbac.yaml")
    [hook] = found["ValidatingWebhookConfiguration"]["webhooks"]
    service, meta = hook["clientConfig"]["service"], found["Service"]["metadata"]
    assert (service["name"], service["namespace"], service["path"]) == (meta["name"], meta["namespace"], PATH)
    [port] = found["Service"]["spec"]["ports"]
    pod = found["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert (port["port"], ports[port["targetPort"]]) == (
        service["port"],
        PreviewSettings.model_fields["preview_port"].default,
    )
    assert found["Service"]["spec"]["selector"] == pod["metadata"]["labels"]
    assert pod["spec"]["serviceAccountName"] == found["ServiceAccount"]["metadata"]["name"]
    assert found["Certificate"]["spec"]["secretName"] == pod["spec"]["volumes"][0]["secret"]["secretName"]
    assert found["Certificate"]["spec"]["dnsNames"] == [f"{service['name']}.{service['namespace']}.svc"]
    assert container["args"] == ["preview"]


def test_the_settings_in_the_deployment_are_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    [container] = documents("deployment.yaml")["Deployment"]["spec"]["template"]["spec"]["containers"]
    for each in container["env"]:
        assert each["name"].removeprefix("BERTH_").lower() in PreviewSettings.model_fields
        monkeypatch.setenv(each["name"], each["value"])
    assert PreviewSettings().preview_certificate == Path("/etc/berth/tls/tls.crt")
