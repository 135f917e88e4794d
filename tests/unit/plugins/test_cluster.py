import json
from pathlib import Path
from typing import Any

import pytest

from toolchain.plugins.kubernetes.cluster import ClusterChoice
from toolchain.plugins.kubernetes.errors import KubeconfigError
from toolchain.plugins.values import UNKNOWN

CONFIG: dict[str, Any] = {
    "clusters": [
        {"name": "a", "cluster": {"server": "https://a"}},
        {"name": "b", "cluster": {"server": "https://b"}},
    ],
    "users": [{"name": "u", "user": {"token": "hunter2"}}],
    "contexts": [
        {"name": "a", "context": {"cluster": "a", "user": "u", "namespace": "team"}},
        {"name": "b", "context": {"cluster": "b", "user": "u"}},
    ],
    "current-context": "a",
}


@pytest.fixture(autouse=True)
def nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("context", "cluster", "server", "namespace"),
    [
        ("", "", "https://a", "team"),
        ("b", "", "https://b", "default"),
        ("", "b", "https://b", "team"),
        ("a", "b", "https://b", "team"),
    ],
)
def test_what_a_kubeconfig_says(context: str, cluster: str, server: str, namespace: str) -> None:
    choice = ClusterChoice(json.dumps(CONFIG), context, cluster)
    assert choice.active_cluster() == {"server": server}
    assert choice.namespace() == namespace
    assert choice.connect().configuration.host == server


def test_it_may_be_a_path_or_the_machines_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(CONFIG))
    assert ClusterChoice(str(path)).namespace() == "team"
    assert ClusterChoice(str(path)).connect().configuration.host == "https://a"
    monkeypatch.setenv("KUBECONFIG", str(path))
    assert ClusterChoice().namespace() == "team"


def test_of_several_files_the_first_has_the_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_text(json.dumps({**CONFIG, "contexts": [], "clusters": [], "current-context": "b"}))
    second.write_text(json.dumps(CONFIG))
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}:{tmp_path / 'missing'}")
    assert ClusterChoice().active_cluster() == {"server": "https://b"}
    assert ClusterChoice().connect().configuration.host == "https://b"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/nonexistent/kubeconfig", "/nonexistent/kubeconfig is not a file"),
        ("", "the default one is not a file"),
        ("a: [\nhunter2", r"the one that was given isn't YAML \(line \d\)"),
        ("a: 1\nb: hunter2", "the one that was given isn't a kubeconfig"),
    ],
)
def test_no_usable_kubeconfig_is_one_sentence(text: str, said: str) -> None:
    choice = ClusterChoice(text)
    assert choice.active_cluster() is None
    assert choice.namespace() == "default"
    with pytest.raises(KubeconfigError, match=said) as raised:
        choice.connect()
    assert "hunter2" not in str(raised.value)


def test_a_context_that_is_not_there() -> None:
    with pytest.raises(KubeconfigError, match="nosuch"):
        ClusterChoice(json.dumps(CONFIG), context="nosuch").connect()


def test_an_unknown_choice_is_told() -> None:
    assert not ClusterChoice.of({"kubeconfig": UNKNOWN}).is_known
    assert ClusterChoice.of({"kubeconfig": None, "context": "a"}).is_known
