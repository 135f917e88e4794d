"""The documents of the platform's parts."""

import base64
import json
from typing import Any

import pytest

from local.cluster.documents import (
    DATA_FOLDERS,
    Site,
    cluster_wide_objects,
    dns_documents,
    namespace_documents,
    part_documents,
)
from local.credentials import Credentials
from local.images import PUBLIC_IMAGES, UnknownImageError, public_images
from local.instance import Instance
from local.openbao import ensure_openbao_certificate
from local.record import Storage

Documents = dict[tuple[str, str], dict[str, Any]]


def documents(instance: Instance, storage: Storage = "host", **options: Any) -> Documents:
    ensure_openbao_certificate(instance)
    site = Site(PUBLIC_IMAGES, storage, **options)
    return {(each["kind"], each["metadata"]["name"]): each for each in part_documents(instance, site)}


def volumes(made: Documents, part: str) -> dict[str, Any]:
    return {
        volume["name"]: volume for volume in made["StatefulSet", part]["spec"]["template"]["spec"]["volumes"]
    }


def checksum(made: Documents, part: str) -> str:
    annotations = made["StatefulSet", part]["spec"]["template"]["metadata"]["annotations"]
    return str(annotations["llm-gateway/checksum"])


def test_openbao_has_the_pinned_address(instance: Instance) -> None:
    made = documents(instance, openbao_cluster_ip=instance.openbao_address)
    assert made["Service", "openbao"]["spec"]["clusterIP"] == "10.98.0.82"


@pytest.mark.parametrize(
    ("storage", "kind"), [("host", "hostPath"), ("claim", "persistentVolumeClaim"), ("empty", "emptyDir")]
)
def test_data_lie_where_the_site_says(instance: Instance, storage: Storage, kind: str) -> None:
    made = documents(instance, storage)
    assert kind in volumes(made, "openbao")["data"]
    assert kind in volumes(made, "postgres")["data"]
    claims = {name for each, name in made if each == "PersistentVolumeClaim"}
    assert claims == ({"openbao", "postgres"} if storage == "claim" else set())


def test_every_folder_on_the_host_has_an_owner(instance: Instance) -> None:
    made = documents(instance)
    paths = [
        volume["hostPath"]["path"]
        for part in ("openbao", "postgres")
        for volume in volumes(made, part).values()
        if "hostPath" in volume
    ]
    assert sorted(path.rpartition("/")[2] for path in paths) == sorted(DATA_FOLDERS)


def test_the_audit_log_is_a_file_only_where_it_is_rotated(instance: Instance) -> None:
    def configuration(storage: Storage) -> str:
        return str(documents(instance, storage)["ConfigMap", "openbao-config"]["data"]["openbao.hcl"])

    assert 'file_path = "/openbao/audit/audit.log"' in configuration("host")
    assert 'file_path = "stdout"' in configuration("claim")


def test_a_changed_image_or_certificate_replaces_the_pods(instance: Instance) -> None:
    before = documents(instance)
    assert checksum(before, "openbao") == checksum(documents(instance), "openbao")
    other_image = documents(instance, image_digests={"openbao": "sha256:other"})
    assert checksum(before, "openbao") != checksum(other_image, "openbao")
    assert checksum(before, "postgres") == checksum(other_image, "postgres")
    (instance.pki_folder / "openbao.key").unlink()
    assert checksum(before, "openbao") != checksum(documents(instance), "openbao")


def test_secrets_stand_in_secrets_only(instance: Instance) -> None:
    made = documents(instance)
    credentials = Credentials.of(instance)
    values = (credentials.openbao_admin_password.encode(), credentials.openbao_seal_key)
    for (kind, _), document in made.items():
        if kind != "Secret":
            text = json.dumps(document)
            assert not [value for value in values if base64.b64encode(value).decode() in text]
            assert credentials.openbao_admin_password not in text


def test_every_container_is_confined(instance: Instance) -> None:
    for (kind, _), document in documents(instance).items():
        if kind in ("StatefulSet", "Deployment"):
            pod = document["spec"]["template"]["spec"]
            assert pod["securityContext"]["runAsNonRoot"] is True
            for container in pod["containers"]:
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
                assert "memory" in container["resources"]["limits"]


def test_the_operator_and_the_dns_server_may_not_do_everything() -> None:
    every = [*namespace_documents(), *dns_documents()]
    roles = [each for each in every if each["kind"] == "ClusterRole"]
    assert roles
    assert "*" not in json.dumps(roles)


def test_what_stands_outside_of_namespaces_is_known() -> None:
    assert set(cluster_wide_objects()) == {
        ("ClusterRoleBinding", "llm-gateway-openbao-auth-delegator"),
        ("ClusterRoleBinding", "llm-gateway-external-secrets"),
        ("ClusterRole", "llm-gateway-external-secrets"),
    }


def test_a_mirrors_image_takes_the_place_of_the_public_one() -> None:
    chosen = public_images(["openbao=mirror.test/openbao@sha256:0"])
    assert chosen == {**PUBLIC_IMAGES, "openbao": "mirror.test/openbao@sha256:0"}


@pytest.mark.parametrize("setting", ["openbao", "openbao=", "litellm=x", "=x"])
def test_an_image_for_nothing_is_refused(setting: str) -> None:
    with pytest.raises(UnknownImageError, match="expected NAME=REFERENCE"):
        public_images([setting])
