import pytest

from toolchain.plugins.kubernetes.manifests import ManifestError, objects_in


def test_documents_and_lists_become_single_objects() -> None:
    text = """
kind: ConfigMap
data: {a: b}
---
# nothing here
---
kind: List
items:
  - {kind: Secret}
  - {kind: ServiceList, items: [{kind: Service}]}
"""
    assert [each["kind"] for each in objects_in(text)] == ["ConfigMap", "Secret", "Service"]


def test_scalars_are_read_as_kubernetes_reads_them() -> None:
    text = """
kind: X
date: 2024-01-01
time: 22:22
mode: 0644
hex: 0x1F
port: 8080
ratio: 0.5
big: 1e3
version: 1.10.2
on: yes
nothing: ~
8080: 1
text: "8080"
"""
    [found] = objects_in(text)
    assert found == {
        "kind": "X",
        "date": "2024-01-01",
        "time": "22:22",
        "mode": 0o644,
        "hex": 31,
        "port": 8080,
        "ratio": 0.5,
        "big": 1000.0,
        "version": "1.10.2",
        "true": True,
        "8080": 1,
        "nothing": None,
        "text": "8080",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: X\n  a: [", "isn't YAML at line 2"),
        ("- a\n- b", "without a kind"),
        ("a: b", "without a kind"),
    ],
)
def test_what_is_no_manifest(text: str, said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        objects_in(text)
