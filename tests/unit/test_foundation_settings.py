"""Every wrong key of a foundation ends in one sentence that names it, before anything is declared."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from schema import SettingsError
from schema.foundation import FoundationSettings
from settings import load_foundation
from tests.support.declared import ROOT, Document
from tests.support.foundation import made_up_credentials


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name, value in made_up_credentials(tmp_path, "foundation").items():
        monkeypatch.setenv(name, value)
    yield
    pulumi.runtime.set_all_config({}, [])


def tracked(name: str) -> Document:
    document = yaml.safe_load((ROOT / "foundation" / name).read_text())["config"]
    return {key.partition(":")[2]: value for key, value in document.items()}


def load(document: Document) -> FoundationSettings:
    pulumi.runtime.set_all_config({f"foundation:{key}": json.dumps(value) for key, value in document.items()})
    return load_foundation()


@pytest.mark.parametrize("name", ["Pulumi.local.yaml", "Pulumi.prod.example.yaml"])
def test_the_tracked_configurations_load(name: str) -> None:
    assert load(tracked(name)).server.replicas == 3


def put(path: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        *parents, last = path.split(".")
        for step in parents:
            document = document.setdefault(step, {})
        document[last] = value

    return change


WRONG: dict[str, tuple[Callable[[Document], object], str]] = {
    "unknown key": (
        put("server.replica", 3),
        "foundation:server.replica: is not a known key; did you mean 'replicas'?",
    ),
    "even quorum": (put("server.replicas", 2), "foundation:server.replicas: 2: expected an odd number"),
    "no server": (put("server.replicas", 0), "foundation:server.replicas: 0: expected an odd number"),
    "http": (put("server.listener", "http"), "foundation:server.listener: \"http\": expected 'https'"),
    "no image": (put("server", {"replicas": 3}), "foundation:server.image: is missing"),
    "no seal": (lambda document: document.pop("seal"), "foundation:seal: is missing"),
    "seal without its parameters": (
        put("seal", {"kind": "gcpckms", "region": "global"}),
        "foundation:seal: seal gcpckms needs project and keyRing and cryptoKey",
    ),
    "transit without its token": (
        put("seal", {"kind": "transit", "address": "https://v:8200", "keyName": "k", "mountPath": "transit"}),
        "foundation:seal: seal transit needs credentialsSecret",
    ),
    "parameters of another seal": (
        put("seal", {"kind": "awskms", "region": "x", "kmsKeyId": "k", "project": "p"}),
        "foundation:seal: seal awskms doesn't take project (it takes region, kmsKeyId,",
    ),
    "unknown seal": (put("seal.kind", "shamir"), 'foundation:seal.kind: "shamir": expected'),
    "static seal of two sources": (
        put("seal.key", {"secret": "seal", "fileEnv": "FOUNDATION_SEAL_KEY"}),
        "foundation:seal.key: expected exactly one of secret and fileEnv, got both",
    ),
    "static seal for Vault": (
        put("server.product", "vault"),
        "foundation:seal.kind: static is OpenBao's alone",
    ),
    "audit isn't said": (lambda document: document.pop("audit"), "foundation:audit: is missing"),
    "audit is empty": (put("audit", []), "foundation:audit: is empty: expected file or syslog, or none if"),
    "audit none and more": (
        put("audit", [{"kind": "none"}, {"kind": "file"}]),
        "foundation:audit: holds none beside other devices",
    ),
    "audit twice": (put("audit", [{"kind": "file"}] * 2), "foundation:audit: holds a kind of device twice"),
    "S3 isn't said": (put("snapshots.target", "s3"), "foundation:snapshots: target s3 needs s3"),
    "S3 without a bucket": (
        put("snapshots", {"target": "s3", "s3": {"image": "aws"}}),
        "foundation:snapshots.s3.bucket: is missing",
    ),
    "schedule of four fields": (
        put("snapshots.schedule", "15 * * *"),
        'foundation:snapshots.schedule: "15 * * *": expected five fields of cron',
    ),
    "schedule out of range": (
        put("snapshots.schedule", "75 * * * *"),
        'foundation:snapshots.schedule: "75 * * * *": 75 is out of range (0 to 59)',
    ),
    "schedule in words": (
        put("snapshots.schedule", "every six hours or so"),
        "foundation:snapshots.schedule:",
    ),
    "cert-manager without issuer": (
        put("tls", {"source": "cert-manager"}),
        "foundation:tls: source cert-manager needs issuer",
    ),
    "files that nothing names": (
        put("tls", {"source": "files"}),
        "foundation:tls: source files needs folderEnv",
    ),
    "folder that isn't set": (
        put("tls.folderEnv", "NOT_SET"),
        "foundation:tls.folderEnv: the environment variable NOT_SET is not set",
    ),
    "seal key that isn't set": (
        put("seal.key", {"fileEnv": "NOT_SET"}),
        "foundation:seal.key.fileEnv: the environment variable NOT_SET is not set",
    ),
    "two kinds of storage": (
        put("dataStorage", {"hostFolder": "/x", "storageClass": "y"}),
        "foundation:dataStorage: hostFolder and storageClass both given",
    ),
    "size": (
        put("dataStorage.size", "much"),
        'foundation:dataStorage.size: "much": expected a Kubernetes quantity',
    ),
    "injector without the chart": (
        put("server.injector", True),
        "foundation:server.injector: true needs deploy helm",
    ),
    "chart without a version": (put("deploy", "helm"), "foundation:helm: is missing"),
    "chart that isn't used": (put("helm", {"version": "0.31.0"}), "foundation:helm: is only for deploy helm"),
}


@pytest.mark.parametrize(("change", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_key_is_named(change: Callable[[Document], object], sentence: str) -> None:
    document = tracked("Pulumi.local.yaml")
    change(document)
    with pytest.raises(SettingsError) as caught:
        load(document)
    assert [said for said in caught.value.sentences if said.startswith(sentence)], caught.value.sentences


def test_a_seal_key_of_another_length_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"16 bytes of key.")
    monkeypatch.setenv("FOUNDATION_SEAL_KEY", str(short))
    with pytest.raises(SettingsError, match="expected 32 bytes, got 16"):
        load(tracked("Pulumi.local.yaml"))


def test_a_missing_file_and_a_damaged_ca_are_named(tmp_path: Path) -> None:
    (tmp_path / "tls.key").unlink()
    (tmp_path / "ca.crt").write_text("no certificate")
    with pytest.raises(SettingsError) as caught:
        load(tracked("Pulumi.local.yaml"))
    assert [said.partition("whose ")[2] for said in caught.value.sentences] == [
        "ca.crt is not PEM: expected -----BEGIN CERTIFICATE-----",
        "tls.key: No such file or directory",
    ]


@pytest.mark.parametrize("schedule", ["15 */6 * * *", "0,30 8-18 * * 1-5", "@daily", "*/5 * * * *"])
def test_a_schedule_of_cron_is_taken(schedule: str) -> None:
    document = tracked("Pulumi.local.yaml")
    document["snapshots"]["schedule"] = schedule
    snapshots = load(document).snapshots
    assert snapshots
    assert snapshots.schedule == schedule
