"""Every setting: its default, what it takes, and what is said of a value that it does not take."""

import json

import pytest
from pydantic import ValidationError

from berth.api.levels import IsolationLevel, NodeSharing
from berth.app.settings import PreviewSettings, Settings

INVALID = [
    ("LEASE_DURATION", "0"),
    ("LEASE_DURATION", "soon"),
    ("LEASE_RETRY_PERIOD", "-1"),
    ("LEASE_RENEW_DEADLINE", "1e9"),
    ("WORKERS", "0"),
    ("WORKERS", "201"),
    ("WORKERS", "many"),
    ("MAX_REQUESTS", "0"),
    ("LISTEN_PORT", "65536"),
    ("LISTEN_PORT", "-1"),
    ("RESYNC_SECONDS", "0"),
    ("SWEEP_SECONDS", "nan"),
    ("PROGRESS_SECONDS", "-1"),
    ("ABSENT_RETRY_SECONDS", "0"),
    ("DEFAULT_LEVEL", "container"),
    ("DEFAULT_NODE_SHARING", "Some"),
    ("RESTRICTED_LEVEL", "Marble"),
    ("UNTRUSTED_LEVEL", "1"),
    ("PER_WORKLOAD_METRICS_CAP", "-1"),
    ("LOG_LEVEL", "debug"),
    ("LOG_LEVEL", "INFO\n"),
    ("PROBE_IMAGE", ":0.1.0"),
    ("PROBE_IMAGE", "registry.example/a probe:1"),
    ("PROBE_PEERS", json.dumps([f"db-{number}.example:5432" for number in range(32)])),
    ("PROBE_PULL_SECRETS", json.dumps([f"pull-{number}" for number in range(9)])),
]
CANNOT_BE_REACHED = [
    *(
        "169.254.169.254",
        "fd00:ec2::254",
        "fd00:ec2::254:80",
        "http://db.example:80",
        "db.example:http",
        "db.example:0",
    ),
    *("db.example:65536", "-to:80", ":80", "db.example: 80", "db.example:80\n", f"{'a' * 261}:80"),
]


def test_the_defaults_are_valid_and_place_nobody_below_what_trust_asks_for() -> None:
    settings = Settings()
    assert (settings.default_level, settings.default_node_sharing) == (IsolationLevel.CONTAINER, NodeSharing.SHARED)
    assert (settings.restricted_level, settings.untrusted_level) == ("Sandboxed", "Virtualized")
    assert settings.allowed_service_accounts == frozenset()
    assert settings.lease_retry_period < settings.lease_renew_deadline < settings.lease_duration


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_gives_one_message_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"BERTH_{name}", value)
    with pytest.raises(ValidationError) as raised:
        Settings()
    [error] = raised.value.errors()
    assert error["loc"] == (name.lower(),)
    assert error["msg"]


@pytest.mark.parametrize(
    ("name", "value"), [("LEASE_RETRY_PERIOD", "40"), ("LEASE_RENEW_DEADLINE", "60"), ("LEASE_DURATION", "39")]
)
def test_deadlines_out_of_order_are_told_with_all_three(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"BERTH_{name}", value)
    with pytest.raises(
        ValidationError, match="lease_retry_period < lease_renew_deadline < lease_duration, got"
    ) as raised:
        Settings()
    assert raised.value.error_count() == 1


@pytest.mark.parametrize("address", CANNOT_BE_REACHED)
def test_an_address_that_no_probe_can_reach_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("BERTH_PROBE_PEERS", json.dumps([address]))
    with pytest.raises(ValidationError) as raised:
        Settings()
    [error] = raised.value.errors()
    assert error["loc"] == ("probe_peers", 0)
    assert "write host:port" in error["msg"] or "263 characters" in error["msg"]


def test_addresses_of_both_families_and_names_can_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ("169.254.169.254:80", "[fd00:ec2::254]:80", "db.example:5432", "db_1:65535")
    monkeypatch.setenv("BERTH_PROBE_PEERS", json.dumps(given))
    assert Settings().probe_peers == given


def test_values_come_from_the_environment_and_an_empty_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERTH_DEFAULT_LEVEL", "Sandboxed")
    monkeypatch.setenv("BERTH_ALLOWED_SERVICE_ACCOUNTS", '["builder"]')
    monkeypatch.setenv("BERTH_WORKERS", "")
    settings = Settings()
    assert settings.default_level is IsolationLevel.SANDBOXED
    assert settings.allowed_service_accounts == {"builder"}
    assert settings.workers == 20


def test_a_setting_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="kubconfig"):
        Settings(kubconfig="x")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", sorted(PreviewSettings.model_fields))
def test_every_setting_is_described(name: str) -> None:
    text = PreviewSettings.model_fields[name].description or ""
    assert text.endswith(".")
    assert len(text) > 15


def test_settings_never_change() -> None:
    with pytest.raises(ValidationError):
        Settings().workers = 1  # type: ignore[misc]


def test_the_preview_takes_all_settings_of_the_operator_with_the_same_defaults() -> None:
    for name, field in Settings.model_fields.items():
        assert PreviewSettings.model_fields[name].default == field.default


@pytest.mark.parametrize(("name", "value"), [("PREVIEW_PORT", "65536"), ("CERTIFICATE_RELOAD_SECONDS", "0")])
def test_an_invalid_value_of_the_preview_is_told_too(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    for given in ("PREVIEW_CERTIFICATE", "PREVIEW_KEY"):
        monkeypatch.setenv(f"BERTH_{given}", "/nowhere")
    PreviewSettings()
    monkeypatch.setenv(f"BERTH_{name}", value)
    with pytest.raises(ValidationError) as raised:
        PreviewSettings()
    assert [error["loc"] for error in raised.value.errors()] == [(name.lower(),)]
