"""The address plan and the folders of an instance."""

import ipaddress
import itertools
from pathlib import Path

import pytest

from local.instance import INSTANCES, Instance
from toolchain.errors import UserError


def networks(name: str) -> list[ipaddress.IPv4Network]:
    instance = Instance.named(name)
    texts = (
        instance.link_network,
        instance.pod_network,
        instance.service_network,
        instance.second_service_network,
        f"{instance.second_address}/32",
    )
    return [ipaddress.IPv4Network(text) for text in texts]


def test_instances_share_no_address() -> None:
    every = [network for name in INSTANCES for network in networks(name)]
    assert not [pair for pair in itertools.combinations(every, 2) if pair[0].overlaps(pair[1])]


@pytest.mark.parametrize("name", INSTANCES)
def test_addresses_lie_in_their_networks(name: str) -> None:
    instance = Instance.named(name)
    link, pods, services, *_ = networks(name)
    assert ipaddress.ip_address(instance.host_address) in link
    assert ipaddress.ip_address(instance.node_address) in link
    assert ipaddress.IPv4Network(instance.node_pod_network).subnet_of(pods)
    assert ipaddress.ip_address(instance.kubernetes_service_address) == services[1]
    # The first 256 addresses of a Service network are for whoever asks for one.
    assert ipaddress.ip_address(instance.openbao_address) in list(services.hosts())[:256]


def test_instances_share_no_name_on_the_host() -> None:
    instances = [Instance.named(name) for name in INSTANCES]
    for attribute in ("link", "cgroup", "forward_port", "folder", "lock_file"):
        assert len({getattr(instance, attribute) for instance in instances}) == len(instances)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="no instance 'production': it is one of dev, test, spare"):
        Instance.named("production")


def test_the_state_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LLM_GATEWAY_STATE", str(tmp_path))
    assert Instance.named("dev").folder == tmp_path / "dev"


def test_a_purge_leaves_the_lock_alone(instance: Instance) -> None:
    assert not instance.lock_file.is_relative_to(instance.folder)
