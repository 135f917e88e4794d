"""A small chain of the tests' own, from Vault to a Secret, that is made ill and well again."""

import base64
import copy
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import hvac
import hvac.exceptions
from kubernetes import config
from tenacity import (
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    stop_after_delay,
    wait_fixed,
)

from doctor.examine import examine
from doctor.kubernetes import Kubernetes
from doctor.links import LINKS
from doctor.model import Finding, Link
from doctor.scene import Scene
from doctor.vault import Vault
from doctor.verdict import Verdict, judge

__all__ = ["Patient"]

Document = dict[str, Any]

_CORE = "/api/v1/namespaces/{namespace}"
_OPERATOR = "/apis/external-secrets.io/v1/namespaces/{namespace}"
GONE = 404


class Patient:
    """A namespace with a store and an ExternalSecret, and their mounts, role and policy in Vault.

    Attributes
    ----------
    objects
        API path -> document, as they are when all is well.
    """

    def __init__(self, platform: Mapping[str, str]) -> None:
        self.name = f"doctor-{secrets.token_hex(4)}"
        self.platform = platform
        self._api = config.new_client_from_config(config_file=platform["KUBECONFIG"])
        self.vault = hvac.Client(
            platform["VAULT_ADDR"], platform["VAULT_TOKEN"], verify=platform["VAULT_CACERT"]
        )
        self.objects = {
            path.format(namespace=self.name): document for path, document in self._documents().items()
        }

    # --- all is well -------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self.vault.sys.enable_secrets_engine("kv", path=self.name, options={"version": "2"})
        self.vault.sys.enable_auth_method("kubernetes", path=self.name)
        self.apply("/api/v1/namespaces", {"metadata": {"name": self.name}}, kind="Namespace", version="v1")
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        for path in list(self.objects):
            if "externalsecrets" in path:
                self.delete(path)
        self.delete(f"/api/v1/namespaces/{self.name}")
        for path in (f"sys/mounts/{self.name}", f"sys/auth/{self.name}", f"sys/policies/acl/{self.name}"):
            self.vault.delete(path)
        self.vault.adapter.close()
        self._api.rest_client.pool_manager.clear()

    def heal(self) -> None:
        """Bring everything back to where it was."""
        if f"{self.name}/" not in self._auth_mounts():
            self.vault.sys.enable_auth_method("kubernetes", path=self.name)
        self.vault.secrets.kv.v2.create_or_update_secret(
            "app", {"alpha": "first", "beta": "second"}, mount_point=self.name
        )
        self.configure_auth()
        self.vault.sys.create_or_update_policy(
            self.name, f'path "{self.name}/data/app" {{ capabilities = ["read"] }}'
        )
        self.configure_role()
        for path, document in self.objects.items():
            self.replace(path, document)

    def _auth_mounts(self) -> Document:
        answer = self.vault.read("sys/auth")
        assert isinstance(answer, dict)
        mounts: Document = answer["data"]
        return mounts

    def configure_auth(self, **changed: Any) -> None:
        self.vault.write_data(
            f"auth/{self.name}/config",
            data={
                "kubernetes_host": "https://kubernetes.default.svc",
                "kubernetes_ca_cert": "",
                "token_reviewer_jwt": "",
                "disable_local_ca_jwt": False,
                "issuer": "",
                "disable_iss_validation": True,
            }
            | changed,
        )

    def configure_role(self, **changed: Any) -> None:
        self.vault.write_data(
            f"auth/{self.name}/role/reader",
            data={
                "bound_service_account_names": "reader",
                "bound_service_account_namespaces": self.name,
                "audience": "vault",
                "token_policies": self.name,
                "token_no_default_policy": False,
                "token_ttl": "60s",
            }
            | changed,
        )

    def _documents(self) -> dict[str, Document]:
        with open(self.platform["VAULT_CACERT"], encoding="ascii") as file:  # noqa: PTH123 - a plain name
            authority = file.read()
        account = {"name": "reader", "audiences": ["vault"]}
        return {
            f"{_CORE}/serviceaccounts/reader": {"apiVersion": "v1", "kind": "ServiceAccount"},
            f"{_CORE}/configmaps/vault-ca": {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "data": {"ca.crt": authority},
            },
            f"{_OPERATOR}/secretstores/vault": {
                "apiVersion": "external-secrets.io/v1",
                "kind": "SecretStore",
                "spec": {
                    "refreshInterval": 5,
                    "provider": {
                        "vault": {
                            "server": "https://openbao.vault.svc:8200",
                            "path": self.name,
                            "version": "v2",
                            "caProvider": {"type": "ConfigMap", "name": "vault-ca", "key": "ca.crt"},
                            "auth": {
                                "kubernetes": {
                                    "mountPath": self.name,
                                    "role": "reader",
                                    "serviceAccountRef": account,
                                }
                            },
                        }
                    },
                },
            },
            f"{_OPERATOR}/externalsecrets/app": {
                "apiVersion": "external-secrets.io/v1",
                "kind": "ExternalSecret",
                "spec": {
                    "refreshInterval": "5s",
                    "secretStoreRef": {"kind": "SecretStore", "name": "vault"},
                    "target": {"name": "app"},
                    "data": [
                        {"secretKey": "ALPHA", "remoteRef": {"key": "app", "property": "alpha"}},
                        {"secretKey": "BETA", "remoteRef": {"key": "app", "property": "beta"}},
                    ],
                },
            },
        }

    @property
    def server(self) -> str:
        """Address of the cluster's API server."""
        return str(self._api.configuration.host)

    def cluster_authority(self) -> str:
        """Give the CA of this cluster's API server."""
        document = self.get("/api/v1/namespaces/default/configmaps/kube-root-ca.crt")
        assert document is not None
        return str(document["data"]["ca.crt"])

    # --- ways to make it ill -----------------------------------------------------------------------------

    def edit(self, plural: str, change: Callable[[Document], object]) -> None:
        """Change one of the objects, by its plural, from its healthy form."""
        [path] = [path for path in self.objects if f"/{plural}/" in path]
        document = copy.deepcopy(self.objects[path])
        change(document.get("spec", document))
        self.replace(path, document)

    def edit_vault(self, change: Callable[[Document], object]) -> None:
        """Change what the store says of Vault."""
        self.edit("secretstores", lambda spec: change(spec["provider"]["vault"]))

    def remove(self, plural: str) -> None:
        [path] = [path for path in self.objects if f"/{plural}/" in path]
        self.delete(path)

    def patch(self, path: str, document: Document) -> None:
        """Change some fields of an object, which may be one of somebody else."""
        self._call("PATCH", path, document, "application/merge-patch+json")

    def at(self, plural: str, name: str) -> str:
        """Give the API path of one of the operator's objects in the patient's namespace."""
        version = "v1alpha1" if plural == "pushsecrets" else "v1"
        return f"/apis/external-secrets.io/{version}/namespaces/{self.name}/{plural}/{name}"

    def secret(self, name: str, **values: str) -> None:
        """Make a Secret beside the chain; it goes with the namespace."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
        path = f"/api/v1/namespaces/{self.name}/secrets/{name}"
        self.replace(path, {"apiVersion": "v1", "kind": "Secret", "data": data})

    def token_of(self, service_account: str) -> str:
        """Ask for a token that the API server takes."""
        path = f"/api/v1/namespaces/{self.name}/serviceaccounts/{service_account}/token"
        answer = self._call("POST", path, {"spec": {"expirationSeconds": 600}})
        assert answer is not None
        return str(answer["status"]["token"])

    # --- the doctor --------------------------------------------------------------------------------------

    def examine(self) -> Verdict:
        return judge(self.findings(LINKS), LINKS)

    def findings(self, links: Sequence[Link]) -> list[Finding]:
        """Let the doctor look at some links."""
        platform, made = self.platform, list[str]()
        kubernetes = Kubernetes(platform["KUBECONFIG"], None, made.append)
        vault = Vault(
            platform["VAULT_ADDR"], platform["VAULT_TOKEN"], platform["VAULT_CACERT"], None, made.append
        )
        try:
            return examine(Scene(kubernetes, vault, [self.name]), links)
        finally:
            kubernetes.close()

    def examine_until(
        self, enough: Callable[[Verdict], bool], timeout_seconds: float = 60, *, hurry: bool = True
    ) -> Verdict:
        """Look again until the operator has reacted, which is hurried; gives the last verdict of all."""
        for attempt in Retrying(
            retry=retry_if_result(lambda verdict: not enough(verdict)),
            stop=stop_after_delay(timeout_seconds),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        ):
            with attempt:
                if hurry:
                    self._hurry()
                verdict = self.examine()
            attempt.retry_state.set_result(verdict)
        return verdict

    def _hurry(self) -> None:
        """Let the operator look at once: after failures it waits longer and longer."""
        for path in self.objects:
            if "external-secrets.io" in path and self.get(path) is not None:
                self.patch(path, {"metadata": {"annotations": {"force-sync": secrets.token_hex(4)}}})

    # --- the cluster -------------------------------------------------------------------------------------

    def get(self, path: str) -> Document | None:
        return self._call("GET", path)

    def replace(self, path: str, document: Document) -> None:
        """Make an object just as the document says, whatever it was before."""
        name = path.rpartition("/")[2]
        _, _, below = path.partition("/namespaces/")
        place = {"namespace": below.partition("/")[0]} if below else {}
        namespaced = {**document, "metadata": {"name": name, **place, **document.get("metadata", {})}}
        # The operator writes to it too: a conflict is answered by doing it again.
        for attempt in Retrying(
            retry=retry_if_exception_type(AssertionError), stop=stop_after_attempt(5), reraise=True
        ):
            with attempt:
                current = self.get(path)
                if current is None:
                    self._call("POST", path.rpartition("/")[0], namespaced)
                else:
                    version = {"resourceVersion": current["metadata"]["resourceVersion"]}
                    merged = {**namespaced, "metadata": namespaced["metadata"] | version}
                    self._call("PUT", path, merged)

    def apply(self, collection: str, document: Document, *, kind: str, version: str) -> None:
        self._call("POST", collection, {"apiVersion": version, "kind": kind, **document})

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(
        self, method: str, path: str, body: Document | None = None, content: str = "application/json"
    ) -> Document | None:
        headers = {"Accept": "application/json", "Content-Type": content}
        call = self._api.param_serialize(
            method, path, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = self._api.call_api(*call, _request_timeout=20)
        document: Document = json.loads(answer.read())
        if answer.status == GONE:
            return None
        assert answer.status < 300, f"{method} {path}: {document.get('message')}"
        return document
