"""Every way in which External Secrets Operator doesn't do its work, made on the real one."""

import base64
from typing import Any

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from doctor.verdict import Verdict
from tests.doctor.fault import (
    Document,
    Fault,
    Injection,
    assert_named_and_undone,
    external,
    is_healthy,
    policy,
    remote,
    says,
    store,
)
from tests.doctor.visitor import run_doctor
from tests.doctor.ward import Ward
from tests.support.patient import Patient

DEPLOYMENT = "/apis/apps/v1/namespaces/external-secrets/deployments/external-secrets"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.external-secrets.io"
ROLE = "/apis/rbac.authorization.k8s.io/v1/clusterroles/llm-gateway-external-secrets"
CLUSTER_STORE = "/apis/external-secrets.io/v1/clustersecretstores/{}"

SALT = {"secretKey": "LITELLM_SALT_KEY", "remoteRef": {"key": "salty", "property": "salt"}}


def write(path: str, **values: str) -> Injection:
    return lambda patient: patient.vault.secrets.kv.v2.create_or_update_secret(
        path, values, mount_point=patient.name
    )


def all_of(*hands: Injection) -> Injection:
    def inject(patient: Patient) -> None:
        for hand in hands:
            hand(patient)

    return inject


def destroyed_version(patient: Patient) -> None:
    versions = patient.vault.secrets.kv.v2.read_secret_metadata("app", mount_point=patient.name)["data"]
    patient.vault.secrets.kv.v2.destroy_secret_versions(
        "app", [versions["current_version"]], mount_point=patient.name
    )


def of_another_provider(patient: Patient) -> None:
    """Let the ExternalSecret use a new store: of one that has had many events the API server drops some."""
    spec = {"provider": {"gcpsm": {"projectID": "elsewhere"}}}
    patient.replace(
        patient.at("secretstores", "foreign"),
        {"apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "spec": spec},
    )
    external(secretStoreRef={"kind": "SecretStore", "name": "foreign"})(patient)


def cluster_store_for_others(patient: Patient) -> None:
    """Let the ExternalSecret use a ClusterSecretStore that admits another namespace only."""
    [document] = [item for path, item in patient.objects.items() if "/secretstores/" in path]
    vault: Document = document["spec"]["provider"]["vault"]
    login = vault["auth"]["kubernetes"]
    account = login["serviceAccountRef"] | {"namespace": patient.name}
    spec = {
        "conditions": [{"namespaces": ["elsewhere"]}],
        "provider": {
            "vault": vault
            | {
                "caProvider": vault["caProvider"] | {"namespace": patient.name},
                "auth": {"kubernetes": login | {"serviceAccountRef": account}},
            }
        },
    }
    patient.replace(
        CLUSTER_STORE.format(patient.name),
        {"apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore", "spec": spec},
    )
    external(secretStoreRef={"kind": "ClusterSecretStore", "name": patient.name})(patient)


def gone_with_its_path(patient: Patient) -> None:
    def change(spec: Document) -> None:
        del spec["data"]
        spec["dataFrom"] = [{"extract": {"key": "no-such-path"}}]
        spec["target"] = {"name": "app", "deletionPolicy": "Delete"}

    patient.edit("externalsecrets", change)


def secret_path(patient: Patient) -> str:
    return f"/api/v1/namespaces/{patient.name}/secrets/app"


def without_secret(patient: Patient) -> None:
    patient.delete(secret_path(patient))


def immutable_secret(patient: Patient) -> None:
    """Make the Secret anew as one that can't change, and change the value in Vault."""
    external(target={"name": "app", "immutable": True})(patient)
    without_secret(patient)

    @retry(retry=retry_if_result(lambda done: not done), stop=stop_after_delay(30), wait=wait_fixed(0.2))
    def made() -> bool:
        return bool((patient.get(secret_path(patient)) or {}).get("immutable"))

    made()
    write("app", alpha="third", beta="fourth")(patient)


def disowned_secret(patient: Patient) -> None:
    """Take the Secret from its ExternalSecret, which was told to make it once and leave it alone."""
    patient.examine_until(is_healthy)  # a Secret that isn't there yet would get its owner afterwards
    external(refreshPolicy="CreatedOnce")(patient)
    patient.patch(secret_path(patient), {"metadata": {"ownerReferences": None}})


def second_owner(patient: Patient) -> None:
    [document] = [item for path, item in patient.objects.items() if "externalsecrets" in path]
    patient.replace(patient.at("externalsecrets", "second"), document)


def salted(patient: Patient) -> None:
    """Write a salt key, let it be fetched as LiteLLM's, and write another one."""
    write("salty", salt="first")(patient)
    policy('path "{mount}/data/*" {{ capabilities = ["read"] }}')(patient)
    patient.edit("externalsecrets", lambda spec: spec["data"].append(SALT))
    write("salty", salt="second")(patient)


def push(**changed: Any) -> Injection:
    """Push a key of the Secret to Vault; a policy that allows it is made beside."""
    document = {
        "refreshInterval": "5s",
        "secretStoreRefs": [{"kind": "SecretStore", "name": "vault"}],
        "selector": {"secret": {"name": "app"}},
        "data": [
            {
                "match": {
                    "secretKey": changed.pop("key", "ALPHA"),
                    "remoteRef": {"remoteKey": changed.pop("to", "pushed"), "property": "x"},
                }
            }
        ],
    } | changed

    def inject(patient: Patient) -> None:
        policy(
            'path "{mount}/data/app" {{ capabilities = ["read"] }}\n'
            'path "{mount}/+/pushed" {{ capabilities = ["create", "update", "read"] }}'
        )(patient)
        patient.replace(
            patient.at("pushsecrets", "push"),
            {"apiVersion": "external-secrets.io/v1alpha1", "kind": "PushSecret", "spec": document},
        )

    return inject


def unpush(patient: Patient) -> None:
    patient.delete(patient.at("pushsecrets", "push"))
    patient.vault.delete(f"{patient.name}/metadata/pushed")


def replicas(count: int) -> Injection:
    return lambda patient: patient.patch(f"{DEPLOYMENT}/scale", {"spec": {"replicas": count}})


class OperatorsRights:
    """The operator's ClusterRole without the right to ask for tokens, and with it again."""

    def __init__(self) -> None:
        self._rules: list[Document] = []

    def take(self, patient: Patient) -> None:
        document = patient.get(ROLE)
        assert document is not None
        self._rules = document["rules"]
        left = [rule for rule in self._rules if "serviceaccounts/token" not in rule.get("resources", [])]
        assert len(left) == len(self._rules) - 1
        patient.patch(ROLE, {"rules": left})

    def give_back(self, patient: Patient) -> None:
        patient.patch(ROLE, {"rules": self._rules})


RIGHTS = OperatorsRights()

PATHS = {
    "path missing": Fault(remote(key="no-such-path"), "reads a path that isn't in Vault"),
    "property missing": Fault(remote(property="gamma"), "a property that isn't there: gamma"),
    "data/ doubled": Fault(remote(key="data/app"), "the path has data/ in it"),
    "mount missing in the key": Fault(store(path=None), "doesn't begin with a mount of Vault"),
    "version deleted": Fault(
        lambda patient: patient.vault.delete(f"{patient.name}/data/app"), "its newest version is deleted"
    ),
    "version destroyed": Fault(destroyed_version, "its newest version is deleted"),
    "salt key changed": Fault(
        salted,
        "the salt key was changed",
        undo=lambda patient: patient.vault.delete(f"{patient.name}/metadata/salty"),
    ),
}

OBJECTS = {
    "store missing": Fault(
        external(secretStoreRef={"kind": "SecretStore", "name": "no-such-store"}),
        "names a store that doesn't exist",
    ),
    "cluster store missing": Fault(
        external(secretStoreRef={"kind": "ClusterSecretStore", "name": "no-such-store"}),
        "names a store that doesn't exist",
    ),
    "cluster store for others": Fault(
        cluster_store_for_others,
        "doesn't admit this namespace",
        undo_after=lambda patient: patient.delete(CLUSTER_STORE.format(patient.name)),
    ),
    "another operator's": Fault(
        lambda patient: patient.edit("secretstores", lambda spec: spec.update(controller="another")),
        "no operator feels responsible",
    ),
    "another provider's": Fault(
        of_another_provider,
        "built without the store's provider",
        undo_after=lambda patient: patient.delete(patient.at("secretstores", "foreign")),
    ),
    "two owners": Fault(
        second_owner,
        "two ExternalSecrets claim the same Secret",
        undo=lambda patient: patient.delete(patient.at("externalsecrets", "second")),
    ),
    "merge into nothing": Fault(
        external(target={"name": "not-there", "creationPolicy": "Merge"}), "no Secret to merge into"
    ),
    "gone with its path": Fault(gone_with_its_path, "reads a path that isn't in Vault"),
    "immutable Secret": Fault(immutable_secret, "it is immutable", undo_after=without_secret),
    "Secret of nobody": Fault(disowned_secret, "isn't the operator's own", exit_code=0),
}

PUSHES = {
    "push refused": Fault(push(to="app"), "Vault refuses the push", undo=unpush),
    "push without its key": Fault(
        push(key="NOPE"), "the Secret that is pushed from lacks the key", undo=unpush
    ),
    "push without its Secret": Fault(
        push(selector={"secret": {"name": "no-such-secret"}}),
        "the Secret that is pushed from isn't there",
        undo=unpush,
    ),
    "push without its store": Fault(
        push(secretStoreRefs=[{"kind": "SecretStore", "name": "no-such-store"}]),
        "names a store that doesn't exist",
        undo=unpush,
    ),
    "push over somebody's": Fault(
        all_of(write("pushed", x="mine"), push()), "somebody else has written to the path", undo=unpush
    ),
}

OPERATOR = {
    "operator without right": Fault(
        RIGHTS.take, "the operator may not ask for a token", undo=RIGHTS.give_back
    ),
    "operator switched off": Fault(replicas(0), "the operator is switched off", undo=replicas(1)),
}

FAULTS = PATHS | OBJECTS | PUSHES | OPERATOR


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_line_names_the_cause(patient: Patient, name: str) -> None:
    assert_named_and_undone(patient, FAULTS[name])


def test_an_operator_that_waits_after_the_cause_is_gone_is_named(patient: Patient) -> None:
    """Each failure doubles its wait; what it said last is no cause any more. The cure that is named helps."""
    policy('path "{mount}/data/*" {{ capabilities = ["read"] }}')(patient)
    remote(key="late")(patient)
    tries: list[Verdict] = []

    def has_failed_often(verdict: Verdict) -> bool:
        tries.extend([verdict] if says(verdict, "reads a path that isn't in Vault") else [])
        return len(tries) > 7

    try:
        assert has_failed_often(patient.examine_until(has_failed_often))
        write("late", alpha="here now")(patient)
        verdict = patient.examine()
        assert says(verdict, "the operator waits before it tries again"), (verdict.roots, verdict.weak)
        assert "python -m doctor --fix" in verdict.roots[0].finding.cure
        said = run_doctor("-n", patient.name, "--fix", environment=dict(patient.platform))
        assert said.exit_code != 2, said.output
        verdict = patient.examine_until(is_healthy, hurry=False)
        assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)
    finally:
        patient.heal()
        patient.vault.delete(f"{patient.name}/metadata/late")
    assert is_healthy(patient.examine_until(is_healthy))


def test_a_version_that_is_not_served_is_named(patient: Patient, ward: Ward) -> None:
    """The definition serves an older version than the stack's manifests are of."""
    definition = patient.get(DEFINITION.format("externalsecrets"))
    assert definition is not None
    versions = definition["spec"]["versions"]
    older = [version | {"served": version["name"] == "v1beta1"} for version in versions]
    cause = r"doesn't serve the version that the stack's ExternalSecrets are of: external-secrets.io/v1$"
    patient.patch(DEFINITION.format("externalsecrets"), {"spec": {"versions": older}})
    try:
        verdict = ward.examine_until(lambda verdict: says(verdict, cause))
        assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)
    finally:
        patient.patch(DEFINITION.format("externalsecrets"), {"spec": {"versions": versions}})
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


def test_a_definition_that_is_missing_is_named(patient: Patient, ward: Ward) -> None:
    """The one of which there are no objects: they would go with it."""
    path = DEFINITION.format("clustersecretstores")
    definition = patient.get(path)
    assert definition is not None
    assert not (patient.get(CLUSTER_STORE.format("").rstrip("/")) or {})["items"]
    kept = ("labels", "annotations")
    metadata = {name: definition["metadata"][name] for name in kept if name in definition["metadata"]}
    cause = "a CRD of the operator's isn't installed: clustersecretstores"
    patient.delete(path)
    try:
        verdict = ward.examine_until(lambda verdict: says(verdict, cause))
        assert says(verdict, cause), (verdict.roots, verdict.weak, verdict.unknown)
    finally:
        patient.replace(path, {**definition, "metadata": metadata, "status": None})
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)


def test_a_bundle_says_as_much_as_a_config_map(patient: Patient) -> None:
    """The CA of a healthy store may stand in the store itself."""
    [document] = [item for path, item in patient.objects.items() if "/configmaps/" in path]
    bundle = base64.b64encode(document["data"]["ca.crt"].encode()).decode()
    fault = Fault(store(caProvider=None, caBundle=bundle), "")
    fault.inject(patient)
    try:
        verdict = patient.examine_until(lambda verdict: not verdict.roots)
        assert not verdict.roots
    finally:
        patient.heal()
