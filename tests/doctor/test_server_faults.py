"""Every way in which a store doesn't come to its secrets, made on the real servers: the doctor names it."""

import base64
import datetime as dt
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from tests.doctor.fault import (
    Document,
    Fault,
    Injection,
    account,
    assert_named_and_undone,
    auth,
    is_healthy,
    login,
    policy,
    role,
    store,
    token,
)
from tests.doctor.ward import Ward
from tests.support.certificates import made_up_ca, made_up_certificate
from tests.support.patient import Patient

DELEGATOR = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{}"


def authority(**data: str) -> Injection:
    return lambda patient: patient.edit("configmaps", lambda document: document.update(data=data))


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


def self_review(patient: Patient) -> None:
    patient.configure_auth(disable_local_ca_jwt=True, kubernetes_ca_cert=patient.cluster_authority())


def allowed_self_review(patient: Patient) -> None:
    """Let the store's ServiceAccount review tokens; its own is for Vault alone."""
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "system:auth-delegator",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": patient.name}],
    }
    patient.replace(DELEGATOR.format(patient.name), binding)
    self_review(patient)


def reviewer_that_is_gone(patient: Patient) -> None:
    """Give the mount the token of a ServiceAccount that no longer is: it has ended before its time."""
    path = f"/api/v1/namespaces/{patient.name}/serviceaccounts/reviewer"
    patient.replace(path, {"apiVersion": "v1", "kind": "ServiceAccount"})
    jwt = patient.token_of("reviewer")
    patient.delete(path)
    patient.configure_auth(token_reviewer_jwt=jwt)


def seal(patient: Patient) -> None:
    patient.vault.adapter.put("/v1/sys/seal")


def start_again(patient: Patient) -> None:
    """Let OpenBao unseal itself, which it does when it starts."""
    patient.delete("/api/v1/namespaces/vault/pods/openbao-0")

    @retry(
        retry=retry_if_exception_type((AssertionError, requests.RequestException)),
        stop=stop_after_delay(120),
        wait=wait_fixed(0.5),
        reraise=True,
    )
    def unsealed() -> None:
        answer = requests.get(
            f"{patient.platform['VAULT_ADDR']}/v1/sys/health",
            verify=patient.platform["VAULT_CACERT"],
            timeout=3,
        )
        assert answer.ok

    unsealed()


ADDRESS = {
    "no such host": Fault(store(server="https://openbao.nowhere.svc:8200"), "is no Service of this cluster"),
    "no scheme": Fault(store(server="openbao.vault.svc:8200"), "isn't an address with http"),
    "http to https": Fault(store(server="http://openbao.vault.svc:8200"), "speaks http to a server that"),
    "https to http": Fault(store(server="https://litellm.litellm.svc:4000"), "speaks https to a server that"),
    "wrong port": Fault(store(server="https://openbao.vault.svc:8300"), "asks for port 8300"),
    "nothing answers": Fault(store(server="https://127.0.0.1:1"), "nothing answers at the store's server"),
    "no endpoint": Fault(
        service("empty", {"selector": {"app": "nobody"}, "ports": [{"port": 8200}]}),
        "no Pod of Vault is ready",
    ),
    "another name": Fault(
        service("other", {"type": "ExternalName", "externalName": "openbao.vault.svc.cluster.local"}),
        "certificate doesn't carry the name",
    ),
    "no CA": Fault(store(caProvider=None), "trusts another CA"),
    "CA missing": Fault(
        store(caProvider={"type": "ConfigMap", "name": "no-such-ca", "key": "ca.crt"}),
        "the CA that the .* names isn't there",
    ),
    "CA key missing": Fault(authority(other="x"), "the CA that the .* names has no key ca.crt"),
    "CA no PEM": Fault(authority(**{"ca.crt": "not a certificate"}), "isn't PEM"),
    "CA of another": Fault(authority(**{"ca.crt": made_up_ca()}), "trusts another CA"),
}

MOUNTS = {
    "KV mount missing": Fault(store(path="no-such-mount"), "a mount that isn't there: no-such-mount"),
    "KV version": Fault(store(version="v1"), "reads another KV version than the mount has"),
    "KV of another kind": Fault(store(path="sys"), "KV from a mount of another kind"),
    "auth mount missing": Fault(login(mountPath="no-such-mount"), "logs in at auth/no-such-mount, which"),
    "auth mount of another kind": Fault(
        other_kind_of_mount, "which is userpass, not kubernetes", undo=without_mount
    ),
    "old API server": Fault(
        auth(kubernetes_host="https://10.255.255.1:6443"), "points to an API server that isn't this cluster's"
    ),
    "another server as API server": Fault(
        auth(kubernetes_host="https://openbao.vault.svc:8200"),
        "points to an API server that isn't this cluster's",
    ),
    "another cluster's CA": Fault(auth(kubernetes_ca_cert=made_up_ca()), "trusts another cluster's CA"),
    "auth mount never configured": Fault(unconfigured_mount, "was never told which cluster it serves"),
    "another issuer": Fault(
        auth(issuer="https://elsewhere.example.com", disable_iss_validation=False), "demands another issuer"
    ),
    "reviewer without right": Fault(self_review, "may not create TokenReviews"),
    "reviewer for Vault alone": Fault(
        allowed_self_review,
        "isn't made for the API server",
        undo=lambda patient: patient.delete(DELEGATOR.format(patient.name)),
    ),
    "reviewer token of another cluster": Fault(
        auth(token_reviewer_jwt="eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJlbHNld2hlcmUifQ.c2lnbmF0dXJl"),
        "reviewer token has expired, is of another cluster",
    ),
    "reviewer token ended": Fault(reviewer_that_is_gone, "reviewer token has expired"),
    "reviewer token without right": Fault(
        lambda patient: patient.configure_auth(token_reviewer_jwt=patient.token_of("reader")),
        "or may not create TokenReviews",
    ),
}

IDENTITY = {
    "no login at all": Fault(store(auth=None), "doesn't log in at all"),
    "ServiceAccount missing": Fault(
        lambda patient: patient.remove("serviceaccounts"), "exist: doctor-.*/reader"
    ),
    "another ServiceAccount bound": Fault(
        role(bound_service_account_names="writer"), "isn't bound to the store's ServiceAccount"
    ),
    "another namespace bound": Fault(
        role(bound_service_account_namespaces="elsewhere"), "isn't bound to the store's namespace"
    ),
    "another audience": Fault(
        account(audiences=["elsewhere"]), "made for another audience than the role demands"
    ),
    "no audience": Fault(account(audiences=[]), "made for another audience than the role demands"),
    "role without audience": Fault(
        role(audience=""), "a token made for another service logs in here too", exit_code=0
    ),
    "role missing": Fault(login(role="no-such-role"), "a role that doesn't exist: no-such-role"),
    "no default policy": Fault(role(token_no_default_policy=True), "may not look its own token up"),
    "policy missing": Fault(
        role(token_policies="no-such-policy"), "a policy that doesn't exist: no-such-policy"
    ),
    "policy without data/": Fault(
        policy('path "{mount}/app" {{ capabilities = ["read"] }}'),
        "no policy of the store's role lets it read",
    ),
    "policy that only lists": Fault(
        policy('path "{mount}/data/app" {{ capabilities = ["list"] }}'),
        "no policy of the store's role lets it read",
    ),
    "policy that denies": Fault(
        policy(
            'path "{mount}/data/*" {{ capabilities = ["read"] }}\n'
            'path "{mount}/data/app" {{ capabilities = ["deny"] }}'
        ),
        "no policy of the store's role lets it read",
    ),
    "token Secret missing": Fault(token("no-such-secret"), "the token that the .* names isn't there"),
    "token key missing": Fault(
        token("vault-token", "tok", token="x"), "the token that .* names has no key tok"
    ),
    "token of nobody": Fault(token("vault-token", token="s.nobody"), "has expired, was revoked, or is"),
}

FAULTS = ADDRESS | MOUNTS | IDENTITY


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_line_names_the_cause(patient: Patient, name: str) -> None:
    assert_named_and_undone(patient, FAULTS[name])


@contextmanager
def tls_server(names: list[str], valid_for: dt.timedelta) -> Iterator[tuple[int, str]]:
    """Give the port of a server on this machine, and its certificate."""
    certificate, key = made_up_certificate(names, valid_for)
    with tempfile.TemporaryDirectory() as folder:
        (file := Path(folder) / "both.pem").write_text(certificate + key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    context.wrap_socket(connection, server_side=True).close()
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield listener.getsockname()[1], certificate
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def at(port: int, certificate: str) -> Injection:
    """Let the store call that server, which it trusts."""
    bundle = base64.b64encode(certificate.encode()).decode()
    return store(server=f"https://127.0.0.1:{port}", caBundle=bundle, caProvider=None)


def test_a_certificate_that_has_ended_is_named(patient: Patient) -> None:
    with tls_server(["127.0.0.1"], dt.timedelta(days=-1)) as (port, certificate):
        assert_named_and_undone(patient, Fault(at(port, certificate), "certificate has expired"))


def test_a_certificate_that_ends_soon_is_named(patient: Patient) -> None:
    """What answers there is no Vault, so it isn't the first line."""
    cause = "the server's certificate ends within 7 days"
    with tls_server(["127.0.0.1"], dt.timedelta(days=3)) as (port, certificate):
        at(port, certificate)(patient)
        try:
            assert cause in {finding.cause for finding in patient.examine().weak}
        finally:
            patient.heal()
    assert is_healthy(patient.examine_until(is_healthy))


def test_a_sealed_vault_is_named(patient: Patient, ward: Ward) -> None:
    """The last one: the whole platform is without Vault meanwhile, and the operator backs off."""
    assert_named_and_undone(patient, Fault(seal, "Vault is sealed", undo=start_again))
    ward.hurry()
    verdict = ward.examine_until(is_healthy)
    assert is_healthy(verdict), (verdict.roots, verdict.weak, verdict.unknown)
