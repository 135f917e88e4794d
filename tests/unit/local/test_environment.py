"""The environment in which Pulumi works with the platform."""

import os
import shlex
import stat
from pathlib import Path

import pytest

from local.credentials import Credentials
from local.environment import bypass_proxy, compose, export_lines, openbao_of, with_environment
from local.instance import Instance
from local.record import PlatformRecord

ON_NODE = PlatformRecord(images={})
ELSEWHERE = PlatformRecord(kubeconfig=Path("/home/me/kubeconfig"), images={})
TOKEN = "s.made-up"


def variables(instance: Instance, record: PlatformRecord = ON_NODE) -> dict[str, str]:
    return compose(instance, record, openbao_of(instance, record), TOKEN, Path("/cache/pulumi"))


def test_the_platforms_addresses_are_named(instance: Instance) -> None:
    composed = variables(instance)
    assert composed["VAULT_ADDR"] == "https://10.98.0.82:8200"
    assert composed["VAULT_CACERT"] == str(instance.pki_folder / "internal-ca.crt")
    assert composed["KUBECONFIG"] == str(instance.pki_folder / "admin.kubeconfig")
    assert composed["PULUMI_BACKEND_URL"] == f"file://{instance.folder}/pulumi"
    assert composed["LLM_GATEWAY_INSTANCE"] == "spare"


def test_each_checkout_has_a_pulumi_home_of_its_own(instance: Instance) -> None:
    assert Path(variables(instance)["PULUMI_HOME"]).parent == Path(__file__).parents[3]


def test_another_cluster_is_reached_through_a_port_of_this_host(instance: Instance) -> None:
    composed = variables(instance, ELSEWHERE)
    assert composed["VAULT_ADDR"] == "https://127.0.0.1:18202"
    assert composed["KUBECONFIG"] == "/home/me/kubeconfig"


def test_own_programs_come_first_once(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/cache/pulumi/bin")
    folders = variables(instance)["PATH"].split(":")
    assert folders[1:] == ["/cache/pulumi/bin", "/usr/bin"]


def test_a_password_is_quoted_for_a_url(instance: Instance) -> None:
    credentials = Credentials.of(instance)
    assert credentials.postgres_password in variables(instance)["LITELLM_DATABASE_URL"]
    (credentials.folder / "postgres-password").write_text("a/b@c:d")
    url = variables(instance)["LITELLM_DATABASE_URL"]
    assert url == "postgresql://litellm:a%2Fb%40c%3Ad@postgres.postgres.svc:5432/litellm"


def test_secrets_are_made_once_and_for_the_owner_only(instance: Instance) -> None:
    credentials = Credentials.of(instance)
    assert credentials.openbao_seal_key == credentials.openbao_seal_key
    assert len(credentials.openbao_seal_key) == 32
    assert credentials.openbao_admin_password != credentials.postgres_password
    assert {stat.S_IMODE(file.stat().st_mode) for file in credentials.folder.iterdir()} == {0o600}


def test_a_shell_reads_back_what_was_composed(instance: Instance) -> None:
    composed = {**variables(instance), "ODD": "it's $HOME"}
    first, *exports = export_lines(composed)
    assert first.startswith("unset VAULT_NAMESPACE")
    read = dict(shlex.split(line)[1].split("=", 1) for line in exports)
    assert read == composed


def test_the_callers_own_settings_do_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of another stack")
    monkeypatch.setenv("VAULT_ADDR", "https://elsewhere.test")
    environment = with_environment({"VAULT_ADDR": "https://10.98.0.82:8200"})
    assert "PULUMI_CONFIG_PASSPHRASE" not in environment
    assert environment["VAULT_ADDR"] == "https://10.98.0.82:8200"
    assert environment["PATH"] == os.environ["PATH"]


def test_no_proxy_stands_between(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "internal.test")
    monkeypatch.delenv("no_proxy", raising=False)
    bypass_proxy(instance)
    bypass_proxy(instance)
    entries = os.environ["NO_PROXY"].split(",")
    assert entries[0] == "internal.test"
    assert entries.count("10.98.0.0/16") == 1
    assert "10.98.0.82" in os.environ["no_proxy"]
