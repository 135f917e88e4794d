"""Who is who in the cluster."""

import base64
import json
from pathlib import Path

from cryptography import x509

from local.instance import Instance
from local.node.certificates import ensure_certificates

USERS = ("admin", "coredns", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet")


def names(file: Path) -> set[str]:
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return {str(name.value) for name in extension.value}


def test_the_api_server_is_known_within_and_from_outside_of_the_cluster(instance: Instance) -> None:
    ensure_certificates(instance)
    assert names(instance.pki_folder / "apiserver.crt") >= {
        "kubernetes.default.svc",
        "10.98.0.1",
        "10.210.2.2",
    }


def test_every_part_has_a_kubeconfig_of_its_own(instance: Instance) -> None:
    ensure_certificates(instance)
    for user in USERS:
        document = json.loads((instance.pki_folder / f"{user}.kubeconfig").read_text())
        assert document["clusters"][0]["cluster"]["server"] == "https://10.210.2.2:6443"
        login = document["users"][0]["user"]
        assert (
            base64.b64decode(login["client-certificate-data"])
            == (instance.pki_folder / f"{user}.crt").read_bytes()
        )


def test_only_the_administrator_and_the_api_server_are_administrators(instance: Instance) -> None:
    ensure_certificates(instance)
    masters = {
        file.stem
        for file in instance.pki_folder.glob("*.crt")
        if "system:masters" in x509.load_pem_x509_certificate(file.read_bytes()).subject.rfc4514_string()
    }
    assert masters == {"admin", "apiserver-kubelet-client"}


def test_a_second_start_issues_nothing(instance: Instance) -> None:
    assert "apiserver" in ensure_certificates(instance)
    assert ensure_certificates(instance) == []
