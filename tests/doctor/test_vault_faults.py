"""Every way in which the road from Vault to a Secret breaks, made on the real servers: the doctor names it.

Each fault is also undone, and seen whole again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from doctor.model import State
from doctor.verdict import Verdict
from tests.support.certificates import made_up_ca
from tests.support.patient import Patient

Document = dict[str, Any]
Injection = Callable[[Patient], object]


@pytest.fixture(scope="module")
def patient(platform: Mapping[str, str], project: object) -> Iterator[Patient]:
    del project  # only for its gateway, which is another server than Vault
    with Patient(platform) as patient:
        yield patient


def store(**changed: Any) -> Injection:
    """Change fields of `spec.provider.vault`."""
    return lambda patient: patient.edit_vault(lambda vault: vault.update(changed))


def login(**changed: Any) -> Injection:
    """Change fields of the store's `auth.kubernetes`."""
    return lambda patient: patient.edit_vault(lambda vault: vault["auth"]["kubernetes"].update(changed))


def account(**changed: Any) -> Injection:
    return login(serviceAccountRef={"name": "reader", "audiences": ["vault"]} | changed)


def auth(**changed: Any) -> Injection:
    return lambda patient: patient.configure_auth(**changed)


def role(**changed: Any) -> Injection:
    return lambda patient: patient.configure_role(**changed)


def policy(text: str) -> Injection:
    return lambda patient: patient.vault.sys.create_or_update_policy(
        patient.name, text.format(mount=patient.name)
    )


def authority(**data: str) -> Injection:
    return lambda patient: patient.edit("configmaps", lambda document: document.update(data=data))


def remote(**changed: Any) -> Injection:
    """Change the first `remoteRef` of the ExternalSecret."""
    return lambda patient: patient.edit(
        "externalsecrets", lambda spec: spec["data"][0]["remoteRef"].update(changed)
    )


def external(**changed: Any) -> Injection:
    return lambda patient: patient.edit("externalsecrets", lambda spec: spec.update(changed))


def token(name: str, key: str = "token", **values: str) -> Injection:
    """Let the store log in with a token from a Secret."""

    def inject(patient: Patient) -> None:
        if values:
            patient.secret(name, **values)
        patient.edit_vault(lambda vault: vault.update(auth={"tokenSecretRef": {"name": name, "key": key}}))

    return inject


def service(name: str, spec: Document) -> Injection:
    """Make a Service in the patient's namespace and let the store use it."""

    def inject(patient: Patient) -> None:
        path = f"/api/v1/namespaces/{patient.name}/services/{name}"
        if patient.get(path) is None:
            patient.replace(path, {"apiVersion": "v1", "kind": "Service", "spec": spec})
        patient.edit_vault(lambda vault: vault.update(server=f"https://{name}.{patient.name}.svc:8200"))

    return inject


def without_mount(patient: Patient) -> None:
    patient.vault.delete(f"sys/auth/{patient.name}")


def unconfigured_mount(patient: Patient) -> None:
    without_mount(patient)
    patient.vault.write_data(f"sys/auth/{patient.name}", data={"type": "kubernetes"})


def other_kind_of_mount(patient: Patient) -> None:
    without_mount(patient)
    patient.vault.write_data(f"sys/auth/{patient.name}", data={"type": "userpass"})


def second_owner(patient: Patient) -> None:
    [(path, document)] = [item for item in patient.objects.items() if "externalsecrets" in item[0]]
    patient.replace(path.replace("/app", "/second"), document)


FAULTS = {
    # the address and its certificate
    "no such host": (store(server="https://openbao.nowhere.svc:8200"), "is no Service of this cluster"),
    "no scheme": (store(server="openbao.vault.svc:8200"), "isn't an address with http"),
    "http to https": (
        store(server="http://openbao.vault.svc:8200"),
        "speaks http to a server that",
    ),
    "https to http": (
        store(server="https://litellm.litellm.svc:4000"),
        "speaks https to a server that",
    ),
    "wrong port": (store(server="https://openbao.vault.svc:8300"), "asks for port 8300"),
    "no endpoint": (
        service("empty", {"selector": {"app": "nobody"}, "ports": [{"port": 8200}]}),
        "no Pod of Vault is ready",
    ),
    "CA missing": (
        store(caProvider={"type": "ConfigMap", "name": "no-such-ca", "key": "ca.crt"}),
        "the CA that the .* names isn't there",
    ),
    "CA key missing": (authority(other="x"), "the CA that the .* names has no key ca.crt"),
    "CA no PEM": (authority(**{"ca.crt": "not a certificate"}), "isn't PEM"),
    "CA of another": (authority(**{"ca.crt": made_up_ca()}), "trusts another CA"),
    # the mounts
    "KV mount missing": (store(path="no-such-mount"), "a mount that isn't there: no-such-mount"),
    "KV version": (store(version="v1"), "reads another KV version than the mount has"),
    "KV of another kind": (store(path="sys"), "KV from a mount of another kind"),
    "auth mount missing": (
        login(mountPath="no-such-mount"),
        "logs in at auth/no-such-mount, which",
    ),
    "auth mount of another kind": (other_kind_of_mount, "which is userpass, not kubernetes"),
    "old API server": (
        auth(kubernetes_host="https://10.255.255.1:6443"),
        "points to an API server that isn't this cluster's",
    ),
    "another server as API server": (
        auth(kubernetes_host="https://openbao.vault.svc:8200"),
        "points to an API server that isn't this cluster's",
    ),
    "another cluster's CA": (auth(kubernetes_ca_cert=made_up_ca()), "trusts another cluster's CA"),
    "auth mount never configured": (unconfigured_mount, "was never told which cluster it serves"),
    "reviewer without right": (
        lambda patient: patient.configure_auth(
            disable_local_ca_jwt=True, kubernetes_ca_cert=patient.cluster_authority()
        ),
        "may not create TokenReviews",
    ),
    "reviewer token of another cluster": (
        auth(token_reviewer_jwt="eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJlbHNld2hlcmUifQ.c2lnbmF0dXJl"),
        "reviewer token has expired, is of another cluster",
    ),
    # the identity
    "ServiceAccount missing": (
        lambda patient: patient.remove("serviceaccounts"),
        "exist: doctor-.*/reader",
    ),
    "another ServiceAccount bound": (
        role(bound_service_account_names="writer"),
        "isn't bound to the store's ServiceAccount",
    ),
    "another namespace bound": (
        role(bound_service_account_namespaces="elsewhere"),
        "isn't bound to the store's namespace",
    ),
    "another audience": (account(audiences=["elsewhere"]), "made for another audience than the role demands"),
    "no audience": (account(audiences=[]), "made for another audience than the role demands"),
    "role missing": (login(role="no-such-role"), "a role that doesn't exist: no-such-role"),
    "no default policy": (role(token_no_default_policy=True), "may not look its own token up"),
    "policy missing": (role(token_policies="no-such-policy"), "a policy that doesn't exist: no-such-policy"),
    "policy without data/": (
        policy('path "{mount}/app" {{ capabilities = ["read"] }}'),
        "no policy of the store's role lets it read",
    ),
    "policy that only lists": (
        policy('path "{mount}/data/app" {{ capabilities = ["list"] }}'),
        "no policy of the store's role lets it read",
    ),
    "policy that denies": (
        policy(
            'path "{mount}/data/*" {{ capabilities = ["read"] }}\n'
            'path "{mount}/data/app" {{ capabilities = ["deny"] }}'
        ),
        "no policy of the store's role lets it read",
    ),
    "token Secret missing": (token("no-such-secret"), "the token that the .* names isn't there"),
    "token key missing": (
        token("vault-token", "tok", token="x"),
        "the token that .* names has no key tok",
    ),
    "token of nobody": (
        token("vault-token", token="s.nobody"),
        "has expired, was revoked, or is",
    ),
    # the paths
    "path missing": (remote(key="no-such-path"), "reads a path that isn't in Vault"),
    "property missing": (remote(property="gamma"), "a property that isn't there: gamma"),
    "data/ doubled": (remote(key="data/app"), "the path has data/ in it"),
    "version deleted": (
        lambda patient: patient.vault.delete(f"{patient.name}/data/app"),
        "its newest version is deleted",
    ),
    # the operator's objects
    "store missing": (
        external(secretStoreRef={"kind": "SecretStore", "name": "no-such-store"}),
        "names a store that doesn't exist",
    ),
    "cluster store missing": (
        external(secretStoreRef={"kind": "ClusterSecretStore", "name": "no-such-store"}),
        "names a store that doesn't exist",
    ),
    "another operator's": (
        lambda patient: patient.edit("secretstores", lambda spec: spec.update(controller="another")),
        "no operator feels responsible",
    ),
    "two owners": (second_owner, "two ExternalSecrets claim the same Secret"),
    "merge into nothing": (
        external(target={"name": "not-there", "creationPolicy": "Merge"}),
        "no Secret to merge into",
    ),
}

UNDO: dict[str, Injection] = {
    "auth mount of another kind": without_mount,
    "two owners": lambda patient: patient.delete(
        f"/apis/external-secrets.io/v1/namespaces/{patient.name}/externalsecrets/second"
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_line_names_the_cause(patient: Patient, name: str) -> None:
    inject, cause = FAULTS[name]
    inject(patient)
    try:
        verdict = patient.examine_until(lambda verdict: bool(verdict.roots) and _says(verdict, cause))
        assert verdict.roots, "the doctor finds nothing"
        assert _says(verdict, cause), verdict.roots[0].finding
        assert verdict.roots[0].finding.cure
        assert verdict.exit_code == 1
    finally:
        undo = UNDO.get(name)
        if undo is not None:
            undo(patient)
        patient.heal()
    verdict = patient.examine_until(lambda verdict: not (verdict.roots or verdict.weak))
    assert not verdict.roots, verdict.roots[0].finding
    assert not [finding for finding in verdict.weak if finding.state is State.WEAK]
    assert verdict.exit_code == 0


def _says(verdict: Verdict, cause: str) -> bool:
    return bool(verdict.roots) and re.search(cause, verdict.roots[0].finding.cause) is not None
