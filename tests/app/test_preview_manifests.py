"""The preview as the chart makes it: it may only read, is asked about dry-runs alone, and never stands in the way."""

from pathlib import Path
from typing import Any

import pytest

from berth.app.feeds import reflectors
from berth.app.preview.server import PATH
from berth.app.settings import PreviewSettings
from berth.kube.client import Client
from berth.kube.resources import OWN
from berth.world.store import Store
from ground import chart
from scenarios.preview import preview_manifests

pytestmark = pytest.mark.ground
Json = dict[str, Any]


def preview(kind: str) -> Json:
    """Return the preview's object of a kind."""
    found = chart.objects(kind, source=preview_manifests())
    return next(each for each in found if each["metadata"]["name"] == "berth-preview")


def rights(role: Json) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


async def test_it_may_read_exactly_what_it_watches_and_write_nothing() -> None:
    given = rights(preview("ClusterRole"))
    assert {verb for _, _, verb in given} <= {"get", "list", "watch"}
    client = Client(lambda: None, "http://nowhere")  # type: ignore[arg-type, return-value]  # nothing is sent
    watched = {*OWN, *reflectors(client, Store(lambda _: None, lambda: None), lambda *_: None, 1.0)}
    assert {(group, resource) for group, resource, _ in given} == {(each.group, each.plural) for each in watched}
    assert {(each.group, each.plural, verb) for each in watched for verb in ("list", "watch")} <= given


def test_it_may_read_nothing_that_the_operator_may_not() -> None:
    operator = next(each for each in chart.objects("ClusterRole") if each["metadata"]["name"] == "berth-operator")
    assert rights(preview("ClusterRole")) <= rights(operator)


def test_it_is_asked_about_dry_runs_alone_and_requests_pass_without_it() -> None:
    [hook] = preview("ValidatingWebhookConfiguration")["webhooks"]
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
    [hook] = preview("ValidatingWebhookConfiguration")["webhooks"]
    service, meta = hook["clientConfig"]["service"], preview("Service")["metadata"]
    assert (service["name"], service["namespace"], service["path"]) == (meta["name"], meta["namespace"], PATH)
    [port] = [each for each in preview("Service")["spec"]["ports"] if each["name"] == "webhook"]
    pod = preview("Deployment")["spec"]["template"]
    [container] = pod["spec"]["containers"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    assert (port["port"], ports[port["targetPort"]]) == (
        service["port"],
        PreviewSettings.model_fields["preview_port"].default,
    )
    assert preview("Service")["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["spec"]["serviceAccountName"] == preview("ServiceAccount")["metadata"]["name"]
    assert preview("Certificate")["spec"]["secretName"] in [
        volume["secret"]["secretName"] for volume in pod["spec"]["volumes"] if "secret" in volume
    ]
    assert preview("Certificate")["spec"]["dnsNames"] == [f"{service['name']}.{service['namespace']}.svc"]
    assert container["args"] == ["preview"]


def test_the_settings_in_the_deployment_are_all_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    [container] = preview("Deployment")["spec"]["template"]["spec"]["containers"]
    for each in container["env"]:
        assert each["name"].removeprefix("BERTH_").lower() in PreviewSettings.model_fields
        monkeypatch.setenv(each["name"], each["value"])
    assert PreviewSettings().preview_certificate == Path("/etc/berth/tls/tls.crt")
