"""One OpenBao for two clusters, by the example: whose identity logs in where, with every kind of reviewer."""

import base64
import json
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac.exceptions
import pytest
import yaml
from kubernetes import client, config
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from local.instance import Instance
from local.second_cluster import kubeconfig_of
from tests.conftest import INSTANCE
from tests.support.project import ROOT, CommandError, Project
from tests.support.vault import Vault

RUN = f"two-{secrets.token_hex(3)}"
"""Namespace in both clusters, and the beginning of every mount."""
AUDIENCE = "two-clusters"
API_AUDIENCE = "https://kubernetes.default.svc.cluster.local"
REFUSALS = (hvac.exceptions.Forbidden, hvac.exceptions.InvalidRequest, hvac.exceptions.InternalServerError)


def _documented_roles() -> list[dict[str, Any]]:
    """Give the roles that the documentation asks for, in this run's name and namespace."""
    documents = yaml.safe_load_all((ROOT / "docs" / "kubernetes-role.yaml").read_text())
    own = [each for each in documents if each["metadata"]["name"] == "llm-gateway-reviewer"]
    return [{**each, "metadata": {"name": RUN}} for each in own]


@dataclass(frozen=True)
class Site:
    """One of the two clusters, with the app's ServiceAccount in it.

    Attributes
    ----------
    kubeconfig
        The administrator's: the tests' own hands.
    programs
        The program's, whose user has the rights of docs/kubernetes-role.yaml and no others.
    """

    kubeconfig: Path
    programs: Path

    @property
    def _api(self) -> client.ApiClient:
        return config.new_client_from_config(str(self.kubeconfig))

    def prepare(self) -> None:
        with self._api as api:
            core = client.CoreV1Api(api)
            core.create_namespace({"metadata": {"name": RUN}})
            core.create_namespaced_service_account(RUN, {"metadata": {"name": "search"}})
            core.create_namespaced_service_account(RUN, {"metadata": {"name": "program"}})
            rbac = client.RbacAuthorizationV1Api(api)
            for role in _documented_roles():
                subject = {"kind": "ServiceAccount", "name": "program", "namespace": RUN}
                reference = {
                    "apiGroup": role["apiVersion"].partition("/")[0],
                    "kind": role["kind"],
                    "name": RUN,
                }
                binding = {"metadata": {"name": RUN}, "subjects": [subject], "roleRef": reference}
                if role["kind"] == "Role":
                    rbac.create_namespaced_role(RUN, role)
                    rbac.create_namespaced_role_binding(RUN, binding)
                else:
                    rbac.create_cluster_role(role)
                    rbac.create_cluster_role_binding(binding)
        document = yaml.safe_load(self.kubeconfig.read_text())
        document["users"][0]["user"] = {"token": self.token(account="program")}
        self.programs.write_text(yaml.safe_dump(document))

    def tidy(self) -> None:
        with self._api as api:
            client.CoreV1Api(api).delete_namespace(RUN)
            client.RbacAuthorizationV1Api(api).delete_cluster_role(RUN)
            client.RbacAuthorizationV1Api(api).delete_cluster_role_binding(RUN)

    def token(self, *audiences: str, account: str = "search") -> str:
        """Ask for a token of the app; without audiences it is meant for the API server alone."""
        spec = {"spec": {"audiences": list(audiences), "expirationSeconds": 3600}}
        with self._api as api:
            answer = client.CoreV1Api(api).create_namespaced_service_account_token(account, RUN, spec)
        token: str = answer.status.token
        return token

    def made(self) -> dict[str, list[str]]:
        """Name what the program has made in the cluster."""
        label = {"label_selector": "app.kubernetes.io/component=token-reviewer"}
        with self._api as api:
            core, rbac = client.CoreV1Api(api), client.RbacAuthorizationV1Api(api)
            found = {
                "accounts": core.list_namespaced_service_account(RUN, **label).items,
                "secrets": core.list_namespaced_secret(RUN, **label).items,
                "bindings": [
                    binding
                    for binding in rbac.list_cluster_role_binding(**label).items
                    if binding.subjects[0].namespace == RUN
                ],
            }
        return {kind: [each.metadata.name for each in each_kind] for kind, each_kind in found.items()}

    def store_is_ready(self, name: str, provider: Mapping[str, Any]) -> tuple[str, str]:
        """Make a SecretStore, and give the status and the reason of its condition once it has one."""
        place = ("external-secrets.io", "v1", RUN, "secretstores")
        document = {
            "apiVersion": "external-secrets.io/v1",
            "kind": "SecretStore",
            "metadata": {"name": name},
            "spec": {"provider": provider},
        }
        with self._api as api:
            custom = client.CustomObjectsApi(api)
            custom.create_namespaced_custom_object(*place, document)

            @retry(
                retry=retry_if_result(lambda found: not found),
                stop=stop_after_delay(60),
                wait=wait_fixed(0.2),
            )
            def conditions() -> Any:
                status = custom.get_namespaced_custom_object(*place, name).get("status") or {}
                return status.get("conditions")

            [condition] = conditions()
        return condition["status"], condition["reason"]

    def token_in(self, secret: str) -> str:
        """Give the token that Kubernetes has put into a Secret."""
        with self._api as api:
            data = client.CoreV1Api(api).read_namespaced_secret(secret, RUN).data
        return base64.b64decode(data["token"]).decode()


@dataclass(frozen=True)
class Mount:
    """One auth method of the program."""

    name: str
    site: Site
    auth: Mapping[str, Any]

    @property
    def path(self) -> str:
        return f"{RUN}/{self.name}"

    @property
    def audiences(self) -> tuple[str, ...]:
        return (AUDIENCE, API_AUDIENCE) if self.auth.get("reviewer") == "client" else (AUDIENCE,)

    def settings(self) -> dict[str, Any]:
        auth = {"mount": self.path, "audience": AUDIENCE, "reviewerNamespace": RUN, **self.auth}
        return {"name": self.name, "kubeconfig": str(self.site.programs), "auth": auth}

    def login(self, vault: Vault, token: str) -> dict[str, Any]:
        """Log in as the app; OpenBao's refusal is an exception of its client."""
        answer = vault.client.auth.kubernetes.login("search", token, use_token=False, mount_point=self.path)
        login: dict[str, Any] = answer["auth"]
        return login


@pytest.fixture(scope="module")
def first(platform: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    programs = tmp_path_factory.mktemp("first") / "kubeconfig"
    yield from _prepared(Site(Path(platform["KUBECONFIG"]), programs))


@pytest.fixture(scope="module")
def second(platform: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    del platform
    command = (sys.executable, "-m", "local", "cluster", "up", "--instance", INSTANCE)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    programs = tmp_path_factory.mktemp("second") / "kubeconfig"
    yield from _prepared(Site(kubeconfig_of(Instance.named(INSTANCE)), programs))


def _prepared(site: Site) -> Iterator[Site]:
    site.prepare()
    yield site
    site.tidy()


@pytest.fixture(scope="module")
def mounts(first: Site, second: Site) -> dict[str, Mount]:
    outside = {"fromKubeconfig": True}
    listed = [
        # Vault's own Pod is known to its own cluster only.
        Mount("first-vault", first, {"reviewer": "vault"}),
        Mount("first-client", first, outside | {"reviewer": "client"}),
        Mount("second-client", second, outside | {"reviewer": "client"}),
        Mount("second-account", second, outside | {"reviewer": "service-account", "issuer": API_AUDIENCE}),
        Mount("second-request", second, outside | {"reviewer": "token-request"}),
    ]
    return {mount.name: mount for mount in listed}


KINDS = ("first-vault", "first-client", "second-client", "second-account", "second-request")


@pytest.fixture(scope="module")
def program(
    platform: Mapping[str, str], mounts: Mapping[str, Mount], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Deploy the example with all mounts."""
    folder = tmp_path_factory.mktemp("two-clusters")
    shutil.copytree(ROOT / "examples" / "clusters", folder / "program")
    manifest = folder / "program" / "Pulumi.yaml"
    manifest.write_text(manifest.read_text().replace("../../.venv", str(ROOT / ".venv")))
    (folder / "state").mkdir()
    (folder / "passphrase").write_text("a passphrase of the tests")
    environment = {
        **platform,
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder / "passphrase"),
    }
    project = Project.existing(folder / "program", environment)
    project.pulumi("stack", "init", "dev", "--non-interactive")
    configure(project, [mount.settings() for mount in mounts.values()])
    try:
        project.up()
        yield project
    finally:
        project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")


def configure(project: Project, clusters: list[dict[str, Any]]) -> None:
    file = project.folder / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text()) if file.exists() else {}
    keys = {"llm-gateway-clusters:clusters": clusters, "llm-gateway-clusters:namespace": RUN}
    file.write_text(yaml.safe_dump({**(document or {}), "config": keys}))


@pytest.fixture
def spoilt(program: Project, mounts: Mapping[str, Mount]) -> Iterator[Any]:
    """Change one mount's settings for a test."""

    def spoil(name: str, **auth: Any) -> None:
        changed = {**mounts, name: Mount(name, mounts[name].site, {**mounts[name].auth, **auth})}
        configure(program, [mount.settings() for mount in changed.values()])

    yield spoil
    configure(program, [mount.settings() for mount in mounts.values()])


# --- who logs in where -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_an_identity_logs_in_at_its_own_clusters_mount(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, name: str
) -> None:
    mount = mounts[name]
    login = mount.login(vault, mount.site.token(*mount.audiences))
    assert login["metadata"]["service_account_name"] == "search"
    assert program.outputs()[name]["policy"] in login["token_policies"]


@pytest.mark.parametrize("name", KINDS)
def test_the_other_clusters_identity_of_the_same_name_does_not(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, name: str
) -> None:
    del program
    mount = mounts[name]
    other = next(each.site for each in mounts.values() if each.site is not mount.site)
    with pytest.raises(REFUSALS, match="permission denied"):
        mount.login(vault, other.token(AUDIENCE, API_AUDIENCE))


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("audiences", [(), ("another",), ("another", API_AUDIENCE)])
def test_a_token_without_the_audience_does_not(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, name: str, audiences: tuple[str, ...]
) -> None:
    del program
    mount = mounts[name]
    with pytest.raises(REFUSALS, match="aud"):
        mount.login(vault, mount.site.token(*audiences))


def test_a_client_that_is_not_meant_for_the_api_server_can_not_review_itself(
    program: Project, mounts: Mapping[str, Mount], vault: Vault
) -> None:
    del program
    mount = mounts["second-client"]
    with pytest.raises(REFUSALS, match="permission denied"):
        mount.login(vault, mount.site.token(AUDIENCE))


def test_a_token_of_another_issuer_does_not(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, spoilt: Any
) -> None:
    mount = mounts["second-account"]
    spoilt("second-account", issuer="https://issuer.example.com")
    program.up()
    with pytest.raises(REFUSALS, match="issuer"):
        mount.login(vault, mount.site.token(AUDIENCE))
    spoilt("second-account")
    program.up()
    assert mount.login(vault, mount.site.token(AUDIENCE))


@pytest.mark.parametrize("name", ["first-vault", "first-client"])
def test_the_operators_store_logs_in_with_the_audiences_of_its_mount(
    program: Project, mounts: Mapping[str, Mount], vault_env: Mapping[str, str], name: str
) -> None:
    del program
    mount = mounts[name]
    ca = base64.b64encode(Path(vault_env["VAULT_CACERT"]).read_bytes()).decode()
    account = {"name": "search", "audiences": list(mount.audiences)}
    auth = {"mountPath": mount.path, "role": "search", "serviceAccountRef": account}
    server = {"server": "https://openbao.vault.svc:8200", "caBundle": ca, "path": "litellm", "version": "v2"}
    ready = mount.site.store_is_ready(name, {"vault": {**server, "auth": {"kubernetes": auth}}})
    assert ready == ("True", "Valid")


# --- what the program leaves behind ----------------------------------------------------------------------


def test_nothing_changes_without_a_change(program: Project) -> None:
    assert program.preview() == []
    program.refresh()
    assert program.preview() == []


def test_a_preview_needs_neither_kubeconfig_nor_vault(program: Project) -> None:
    kept = {name: value for name, value in program.environment.items() if not name.startswith("VAULT_")}
    assert program.preview(environment={**kept, "KUBECONFIG": "/nowhere"}) == []


def test_no_token_of_a_reviewer_stands_in_what_pulumi_writes(program: Project, second: Site) -> None:
    [secret] = second.made()["secrets"]
    tokens = [second.token_in(secret)]
    state = json.loads(program.pulumi("stack", "export", "--show-secrets", "--stack", "dev"))
    tokens += [
        json.loads(resource["outputs"]["token"]["plaintext"])
        for resource in state["deployment"]["resources"]
        if resource["type"].endswith("ServiceAccountToken")
    ]
    assert len(tokens) == 2
    for content in (*program.written_files().values(), program.transcript.encode()):
        for token in tokens:
            signature = token.rpartition(".")[2]
            assert signature.encode() not in content
            assert base64.b64encode(signature.encode()) not in content


def test_every_account_may_review_and_nothing_else_is_made(
    program: Project, first: Site, second: Site
) -> None:
    del program
    counted = {name: len(made) for name, made in second.made().items()}
    # One account for each of two mounts, one Secret, and a binding for each account and for the client.
    assert counted == {"accounts": 2, "secrets": 1, "bindings": 3}
    assert {name: len(made) for name, made in first.made().items()} == {
        "accounts": 0,
        "secrets": 0,
        "bindings": 1,
    }


# --- bad input -------------------------------------------------------------------------------------------


def test_a_ca_that_does_not_sign_the_api_server_is_found_before_vault_takes_it(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, spoilt: Any, first: Site
) -> None:
    mount = mounts["second-account"]
    before = vault.data(f"auth/{mount.path}/config")
    kubeconfig = yaml.safe_load(first.kubeconfig.read_text())
    foreign = base64.b64decode(kubeconfig["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    spoilt("second-account", kubernetesCaCert=foreign)
    with pytest.raises(CommandError) as caught:
        program.up()
    assert "shows a certificate that the CA given for it doesn't vouch for" in caught.value.output
    assert "Traceback" not in caught.value.output
    assert vault.data(f"auth/{mount.path}/config") == before


def test_a_name_that_the_certificate_does_not_carry_is_found_too(
    program: Project, mounts: Mapping[str, Mount], vault: Vault, spoilt: Any
) -> None:
    before = vault.data(f"auth/{mounts['second-account'].path}/config")
    spoilt("second-account", kubernetesHost="https://api.example.com:6443")
    with pytest.raises(CommandError, match=r"as api\.example\.com"):
        program.up()
    assert vault.data(f"auth/{mounts['second-account'].path}/config") == before


def test_all_of_it_goes_in_one_destroy(program: Project, vault: Vault, first: Site, second: Site) -> None:
    program.pulumi("destroy", "--yes", "--skip-preview", "--stack", "dev")
    assert not [path for path in vault.data("sys/auth") if path.startswith(RUN)]
    for site in (first, second):
        assert set(map(len, site.made().values())) == {0}
