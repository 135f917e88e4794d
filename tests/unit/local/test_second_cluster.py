"""The second cluster: what it shares with the first, and what not."""

import json
from pathlib import Path

import pytest
from cryptography import x509

from local import second_cluster
from local.instance import Instance
from local.node.certificates import ensure_certificates, ensure_control_plane_certificates
from local.node.layout import Layout
from local.node.parts import parts
from local.node.second import second_control_plane, second_parts

PROGRAM = Path("/programs/hyperkube")


def flags(words: tuple[str, ...]) -> dict[str, str]:
    return dict(word.partition("=")[::2] for word in words if word.startswith("--"))


def test_the_two_clusters_share_no_address_and_no_folder(instance: Instance) -> None:
    layout = Layout(instance, PROGRAM, Path("/programs/coredns"), Path("/programs/prefix"))
    first = {part.name: flags(part.command) for part in parts(layout)}
    for part in second_parts(second_control_plane(instance, PROGRAM)):
        of_first, of_second = first[part.name.removeprefix("second-")], flags(part.command)
        same = {name for name in of_second if of_second[name] == of_first.get(name)}
        places = {
            name for name in same if any(mark in of_second[name] for mark in ("10.", str(instance.folder)))
        }
        assert places == set(), part.name


def test_the_two_clusters_trust_nobody_in_common(instance: Instance) -> None:
    ensure_certificates(instance)
    plane = second_control_plane(instance, PROGRAM)
    ensure_control_plane_certificates(plane.pki, "second", instance.second_api_url, (plane.address,))
    for name in ("ca", "etcd-ca"):
        of_first, of_second = (
            x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
            for folder in (instance.pki_folder, plane.pki)
        )
        assert of_first.public_key() != of_second.public_key()
    assert (instance.pki_folder / "sa.pub").read_text() != (plane.pki / "sa.pub").read_text()


def test_its_kubeconfig_leads_to_its_own_address(instance: Instance) -> None:
    plane = second_control_plane(instance, PROGRAM)
    ensure_control_plane_certificates(plane.pki, "second", instance.second_api_url, (plane.address,))
    document = json.loads(second_cluster.kubeconfig_of(instance).read_text())
    assert document["clusters"][0]["cluster"]["server"] == "https://10.210.2.6:6443"


def test_without_a_node_there_is_no_second_cluster(instance: Instance) -> None:
    with pytest.raises(second_cluster.NoNodeError, match="start it with `python -m local up`"):
        second_cluster.bring_up(instance)
