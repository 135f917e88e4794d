"""The node's configuration files and command lines."""

import json
from pathlib import Path

import pytest
import yaml

from local.instance import Instance
from local.node.certificates import ensure_certificates
from local.node.configuration import compose, write_configuration
from local.node.layout import Layout
from local.node.parts import parts


@pytest.fixture
def layout(instance: Instance) -> Layout:
    return Layout(instance, Path("/cache/hyperkube"), Path("/cache/coredns"), Path("/cache/prefix"))


def test_the_kubelet_stays_in_the_instances_control_group(layout: Layout) -> None:
    kubelet = yaml.safe_load(compose(layout)["kubelet.yaml"])
    assert kubelet["cgroupRoot"] == "/llm-gateway-spare"
    assert kubelet["clusterDNS"] == ["10.210.2.2"]
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}


def test_pods_get_addresses_of_the_instance(layout: Layout) -> None:
    files = compose(layout)
    network = json.loads(files["cni/bridge.conflist"])
    assert network["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.242.0.0/24"}]]
    assert yaml.safe_load(files["kube-proxy.yaml"])["clusterCIDR"] == "10.242.0.0/16"


def test_the_dns_server_has_an_identity_of_its_own(layout: Layout) -> None:
    assert f"kubeconfig {layout.instance.pki_folder}/coredns.kubeconfig" in compose(layout)["Corefile"]


def test_containerd_uses_the_unpacked_plugins(layout: Layout) -> None:
    text = compose(layout)["containerd.toml"]
    assert 'bin_dir = "/cache/prefix/usr/lib/cni"' in text
    assert f'root = "{layout.instance.node_folder}/containerd"' in text


def test_every_configuration_file_is_written(layout: Layout) -> None:
    write_configuration(layout)
    for name, content in compose(layout).items():
        assert (layout.configuration_folder / name).read_text() == content


def test_what_needs_the_api_server_waits_for_it(layout: Layout) -> None:
    waiting = {part.name for part in parts(layout) if part.needs_api}
    assert waiting == {"coredns", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet"}


def test_no_secret_stands_in_a_command_line(layout: Layout) -> None:
    write_configuration(layout)
    ensure_certificates(layout.instance)
    words = [word for part in parts(layout) for word in part.command]
    for key in layout.instance.pki_folder.glob("*.key"):
        assert not [word for word in words if key.read_text().splitlines()[1] in word]
