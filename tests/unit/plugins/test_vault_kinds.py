"""What each type sends to the server, and what it makes of the answers. Answers are those of OpenBao."""

from typing import Any

import pytest

from tests.unit.plugins.fakes import fake_vault
from toolchain.plugins.values import Document, plain, struct
from toolchain.plugins.vault.errors import VaultRefusedError
from toolchain.plugins.vault.kind import Kind
from toolchain.plugins.vault.kinds import KINDS
from toolchain.plugins.vault.mounts import VaultPathInUseError, VaultRemountError
from toolchain.plugins.vault.roles import VaultPolicyExistsError

MOUNT = KINDS["vault:index/mount:Mount"]
AUTH = KINDS["vault:index/authBackend:AuthBackend"]
POLICY = KINDS["vault:index/policy:Policy"]
TOKEN = KINDS["vault:index/token:Token"]
SECRET = KINDS["vault:kv/secretV2:SecretV2"]
GENERIC = KINDS["vault:generic/secret:Secret"]
ROLE = KINDS["vault:kubernetes/authBackendRole:AuthBackendRole"]
CONFIG = KINDS["vault:kubernetes/authBackendConfig:AuthBackendConfig"]
APP_ROLE = KINDS["vault:appRole/authBackendRole:AuthBackendRole"]
CONNECTION = KINDS["vault:database/secretBackendConnection:SecretBackendConnection"]
DATABASE_ROLE = KINDS["vault:database/secretBackendRole:SecretBackendRole"]
STATIC_ROLE = KINDS["vault:database/secretBackendStaticRole:SecretBackendStaticRole"]

LISTED = {
    "data": {
        "apps/": {
            "type": "kv",
            "description": "by hand",
            "accessor": "kv_1",
            "options": {"version": "2"},
            "config": {"default_lease_ttl": 3600, "max_lease_ttl": 0, "force_no_cache": False},
        }
    }
}


def refused(status: int, reason: str) -> VaultRefusedError:
    return VaultRefusedError("POST", "x", "http://vault", status, [reason])


def opened(document: Document) -> Document:
    return plain(struct(document))


@pytest.mark.parametrize(
    ("kind", "inputs", "path", "body"),
    [
        pytest.param(
            MOUNT,
            {"path": "apps", "type": "kv", "options": {"version": "2"}, "maxLeaseTtlSeconds": 60},
            "sys/mounts/apps",
            {"type": "kv", "options": {"version": "2"}, "config": {"max_lease_ttl": 60}},
            id="mount",
        ),
        pytest.param(
            AUTH,
            {"path": "k8s", "type": "kubernetes", "tune": {"defaultLeaseTtl": "1h"}},
            "sys/auth/k8s",
            {"type": "kubernetes", "config": {"default_lease_ttl": "1h"}},
            id="auth method",
        ),
        pytest.param(
            POLICY,
            {"name": "reader", "policy": "p", "allowOverwrite": True},
            "sys/policies/acl/reader",
            {"policy": "p"},
            id="policy",
        ),
        pytest.param(
            ROLE,
            {"backend": "k8s", "roleName": "app", "boundServiceAccountNames": ["a"], "tokenTtl": 600},
            "auth/k8s/role/app",
            {"bound_service_account_names": ["a"], "token_ttl": 600},
            id="kubernetes role",
        ),
        pytest.param(
            CONFIG,
            {"backend": "k8s", "kubernetesHost": "https://h", "tokenReviewerJwtWo": "j"},
            "auth/k8s/config",
            {"kubernetes_host": "https://h", "token_reviewer_jwt": "j"},
            id="kubernetes config",
        ),
        pytest.param(
            DATABASE_ROLE,
            {"backend": "db", "name": "app", "dbName": "pg", "creationStatements": ["x"], "defaultTtl": 60},
            "db/roles/app",
            {"db_name": "pg", "creation_statements": ["x"], "default_ttl": 60},
            id="database role",
        ),
        pytest.param(
            STATIC_ROLE,
            {"backend": "db", "name": "app", "dbName": "pg", "username": "u", "rotationPeriod": 3600},
            "db/static-roles/app",
            {"db_name": "pg", "username": "u", "rotation_period": 3600},
            id="static database role",
        ),
        pytest.param(
            CONNECTION,
            {
                "backend": "db",
                "name": "pg",
                "allowedRoles": ["app"],
                "postgresql": {"connectionUrl": "postgresql://h", "passwordWo": "pw", "passwordWoVersion": 1},
            },
            "db/config/pg",
            {
                "allowed_roles": ["app"],
                "plugin_name": "postgresql-database-plugin",
                "connection_url": "postgresql://h",
                "password": "pw",
            },
            id="database connection",
        ),
        pytest.param(
            SECRET,
            {"mount": "apps", "name": "db", "dataJson": '{"a": "b"}', "cas": 0},
            "apps/data/db",
            {"data": {"a": "b"}, "options": {"cas": 0}},
            id="kv secret",
        ),
        pytest.param(
            GENERIC, {"path": "kv1/x", "dataJson": '{"a": "b"}'}, "kv1/x", {"a": "b"}, id="secret by path"
        ),
        pytest.param(
            APP_ROLE,
            {"backend": "approle", "roleName": "ci", "tokenPolicies": ["p"], "roleId": "r"},
            "auth/approle/role/ci",
            {"token_policies": ["p"]},
            id="approle",
        ),
    ],
)
def test_creation(kind: Kind, inputs: Document, path: str, body: Document) -> None:
    vault = fake_vault()
    resource_id, _ = kind.create(vault, inputs)
    assert vault.bodies(path)[0] == body
    assert resource_id == kind.identity(inputs)


def test_a_field_that_is_no_longer_given_is_emptied() -> None:
    before = {
        "backend": "k8s",
        "roleName": "app",
        "audience": "vault",
        "tokenTtl": 60,
        "tokenPolicies": ["p"],
    }
    vault = fake_vault()
    ROLE.update(vault, before, {"backend": "k8s", "roleName": "app", "tokenTtl": 90})
    assert vault.bodies("auth/k8s/role/app") == [{"audience": "", "token_ttl": 90, "token_policies": []}]


@pytest.mark.parametrize(
    ("kind", "inputs", "answer", "drift"),
    [
        pytest.param(
            ROLE,
            {"backend": "k8s", "roleName": "app", "boundServiceAccountNames": ["b", "a"], "tokenTtl": 600},
            {"bound_service_account_names": ["a", "b"], "token_ttl": 77, "audience": "x"},
            {"tokenTtl": 77},
            id="a set in another order is none, and what the program leaves open neither",
        ),
        pytest.param(
            DATABASE_ROLE,
            {"backend": "db", "name": "a", "defaultTtl": 60},
            {"default_ttl": 60},
            {},
            id="none",
        ),
        pytest.param(
            CONNECTION,
            {
                "backend": "db",
                "name": "pg",
                "allowedRoles": ["app"],
                "postgresql": {"username": "u", "password": "kept"},
            },
            {"allowed_roles": ["z"], "connection_details": {"username": "v"}},
            {"allowedRoles": ["z"], "postgresql": {"username": "v", "password": "kept"}},
            id="a password is never given back",
        ),
        pytest.param(
            MOUNT,
            {"path": "apps", "type": "kv", "defaultLeaseTtlSeconds": 60, "options": {"version": "2"}},
            {
                "type": "kv",
                "default_lease_ttl_seconds": 90,
                "config": {},
                "options": {"version": "2", "more": "x"},
            },
            {"defaultLeaseTtlSeconds": 90},
            id="an option that the engine adds is none",
        ),
        pytest.param(
            AUTH,
            {"path": "k8s", "type": "kubernetes", "tune": {"maxLeaseTtl": "2h", "defaultLeaseTtl": "1h"}},
            {"type": "kubernetes", "config": {"max_lease_ttl": 32400, "default_lease_ttl": 3600}},
            {"tune": {"maxLeaseTtl": "32400", "defaultLeaseTtl": "1h"}},
            id="durations in seconds",
        ),
        pytest.param(
            SECRET,
            {"mount": "apps", "name": "db", "dataJson": "{}", "customMetadata": {"maxVersions": 5}},
            {"version": {}, "custom": {"max_versions": 9, "custom_metadata": None}},
            {"customMetadata": {"maxVersions": 9}},
            id="metadata of a secret",
        ),
        pytest.param(
            GENERIC,
            {"path": "kv/x", "dataJson": '{"b": 1, "a": 2}'},
            {"data": {"a": 2, "b": 3}},
            {"dataJson": '{"a":2,"b":3}'},
            id="a secret by path is compared",
        ),
        pytest.param(
            GENERIC,
            {"path": "kv/x", "dataJson": '{"b": 1, "a": 2}'},
            {"data": {"a": 2, "b": 1}},
            {},
            id="the order of keys is none",
        ),
    ],
)
def test_drift(kind: Kind, inputs: Document, answer: Document, drift: Document) -> None:
    assert kind.live(inputs, answer) == {**inputs, **drift}


@pytest.mark.parametrize(
    ("kind", "name", "replaced"),
    [
        (MOUNT, "path", False),
        (MOUNT, "type", True),
        (MOUNT, "description", False),
        (AUTH, "path", False),
        (POLICY, "name", True),
        (POLICY, "policy", False),
        (SECRET, "mount", True),
        (SECRET, "dataJson", False),
        (ROLE, "backend", True),
        (ROLE, "tokenTtl", False),
        (TOKEN, "ttl", True),
        (TOKEN, "renewMinLease", False),
        (TOKEN, "roleName", True),
        (ROLE, "namespace", True),
        (STATIC_ROLE, "username", True),
        (CONNECTION, "postgresql", False),
    ],
)
def test_what_needs_a_new_resource(kind: Kind, name: str, replaced: bool) -> None:
    assert kind.replaces(name, {}) is replaced


def test_an_auth_method_that_may_not_move_is_replaced() -> None:
    assert AUTH.replaces("path", {"disableRemount": True})


@pytest.mark.parametrize(
    ("kind", "sources", "expected"),
    [
        (ROLE, {"boundServiceAccountNames": ["b", "a"]}, {"boundServiceAccountNames": ["a", "b"]}),
        (MOUNT, {"path": "/apps/", "type": "kv"}, {"path": "apps", "type": "kv"}),
        (AUTH, {"type": "kubernetes"}, {"type": "kubernetes", "path": "kubernetes"}),
        (TOKEN, {"policies": ["b", "a"]}, {"policies": ["a", "b"], "displayName": "token"}),
        (DATABASE_ROLE, {"creationStatements": ["b", "a"]}, {"creationStatements": ["b", "a"]}),
    ],
)
def test_inputs_are_completed(kind: Kind, sources: Document, expected: Document) -> None:
    assert kind.completed(sources) == {**kind.defaults, **expected}


@pytest.mark.parametrize(
    ("kind", "resource_id", "inputs"),
    [
        (ROLE, "auth/k8s/role/app", {"backend": "k8s", "roleName": "app"}),
        (ROLE, "auth/a/b/role/app", {"backend": "a/b", "roleName": "app"}),
        (SECRET, "apps/data/x/y", {"mount": "apps", "name": "x/y"}),
        (MOUNT, "a/b", {"path": "a/b"}),
    ],
)
def test_an_id_tells_what_is_imported(kind: Kind, resource_id: str, inputs: Document) -> None:
    assert kind.inputs_of(resource_id) == inputs


class TestMounts:
    """A mount keeps its data: a changed path moves it."""

    def test_a_changed_path_is_a_remount(self) -> None:
        vault = fake_vault({"sys/remount/status/m1": {"data": {"migration_info": {"status": "success"}}}})
        vault.written["sys/remount"] = {"data": {"migration_id": "m1"}}
        MOUNT.update(vault, {"path": "a", "type": "kv"}, {"path": "b", "type": "kv"})
        assert vault.calls == [
            ("POST", "sys/remount", {"from": "a", "to": "b"}),
            ("GET", "sys/remount/status/m1", None),
            ("POST", "sys/mounts/b/tune", {}),
        ]

    def test_an_auth_method_moves_too(self) -> None:
        vault = fake_vault()
        AUTH.update(vault, {"path": "a", "type": "x"}, {"path": "b", "type": "x"})
        assert vault.bodies("sys/remount") == [{"from": "auth/a", "to": "auth/b"}]

    def test_a_move_that_fails_is_an_error(self) -> None:
        vault = fake_vault({"sys/remount/status/m1": {"data": {"migration_info": {"status": "failure"}}}})
        vault.written["sys/remount"] = {"data": {"migration_id": "m1"}}
        with pytest.raises(VaultRemountError, match=r"Moving the mount a/ to b/ isn't done \(failure\)"):
            MOUNT.update(vault, {"path": "a"}, {"path": "b"})

    def test_an_interrupted_run_does_not_wait_for_a_move(self) -> None:
        vault = fake_vault({"sys/remount/status/m1": {"data": {"migration_info": {"status": "in-progress"}}}})
        vault.written["sys/remount"] = {"data": {"migration_id": "m1"}}
        vault.cancelled.set()
        with pytest.raises(VaultRemountError, match="in-progress"):
            MOUNT.update(vault, {"path": "a"}, {"path": "b"})

    def test_tuning_empties_what_is_no_longer_given(self) -> None:
        vault = fake_vault()
        before = {"path": "a", "description": "d", "maxLeaseTtlSeconds": 60, "listingVisibility": "unauth"}
        MOUNT.update(vault, before, {"path": "a", "options": {"version": "2"}})
        assert vault.bodies("sys/mounts/a/tune") == [
            {"description": "", "max_lease_ttl": 0, "listing_visibility": "", "options": {"version": "2"}}
        ]

    def test_what_is_read_of_a_mount(self) -> None:
        answer = MOUNT.fetch(fake_vault({"sys/mounts": LISTED}), {"path": "apps"}, "apps")
        assert answer is not None
        assert answer["default_lease_ttl_seconds"] == 3600
        assert MOUNT.computed({"path": "apps"}, answer) == {"accessor": "kv_1"}
        assert MOUNT.imported({"path": "apps"}, answer) == {
            "path": "apps",
            "type": "kv",
            "description": "by hand",
            "options": {"version": "2"},
            "defaultLeaseTtlSeconds": 3600,
        }

    def test_a_mount_that_is_gone(self) -> None:
        assert MOUNT.fetch(fake_vault({"sys/mounts": LISTED}), {"path": "other"}, "other") is None

    def test_a_path_in_use_is_one_sentence(self) -> None:
        vault = fake_vault()
        vault.written["sys/mounts/apps"] = refused(400, "path is already in use at apps/")
        with pytest.raises(VaultPathInUseError, match="Something is mounted at apps/ already"):
            MOUNT.create(vault, {"path": "apps", "type": "kv"})

    def test_another_refusal_stays_what_it_is(self) -> None:
        vault = fake_vault()
        vault.written["sys/mounts/apps"] = refused(400, "plugin not found in the catalog: nosuch")
        with pytest.raises(VaultRefusedError, match="plugin not found"):
            MOUNT.create(vault, {"path": "apps", "type": "nosuch"})


class TestPolicies:
    def test_a_missing_policy_reads_as_an_empty_one(self) -> None:
        inputs = {"name": "p", "policy": "x"}
        answer = POLICY.fetch(fake_vault(), inputs, "p")
        assert answer is not None
        assert POLICY.live(inputs, answer) == {"name": "p", "policy": ""}

    def test_an_import_leaves_out_what_only_the_server_keeps(self) -> None:
        answer = {"name": "p", "policy": "x", "version": 1, "modified": "now"}
        assert POLICY.imported({"name": "p"}, answer) == {"name": "p", "policy": "x"}

    def test_a_policy_is_overwritten_only_where_it_may_be(self) -> None:
        vault = fake_vault({"sys/policies/acl/p": {"data": {"policy": "old"}}})
        with pytest.raises(VaultPolicyExistsError, match="There is a policy p already"):
            POLICY.create(vault, {"name": "p", "policy": "x", "allowOverwrite": False})
        assert POLICY.create(vault, {"name": "p", "policy": "x"})[0] == "p"


class TestSecrets:
    INPUTS = {"mount": "apps", "name": "db", "dataJson": '{"a": "b"}'}  # noqa: RUF012 - never changed
    READ = {"data": {"data": {"a": "b"}, "metadata": {"version": 3, "destroyed": False}}}  # noqa: RUF012

    def test_the_value_is_never_read_back(self) -> None:
        vault = fake_vault({"apps/data/db": self.READ})
        answer = SECRET.fetch(vault, self.INPUTS, "")
        assert answer == {"version": {"version": 3, "destroyed": False}}
        state = opened(SECRET.state(self.INPUTS, answer))
        assert state["data"] == {}
        assert state["path"] == "apps/data/db"
        assert state["metadata"] == {"version": "3", "destroyed": "false"}

    def test_a_deleted_version_is_gone(self) -> None:
        deleted = {"data": {"data": None, "metadata": {"version": 3}}}
        assert SECRET.fetch(fake_vault({"apps/data/db": deleted}), self.INPUTS, "") is None

    def test_an_update_of_metadata_alone_writes_no_version(self) -> None:
        vault = fake_vault()
        changed = {**self.INPUTS, "customMetadata": {"maxVersions": 3, "data": {"owner": "x"}}}
        SECRET.update(vault, self.INPUTS, changed)
        assert vault.calls == [
            ("POST", "apps/metadata/db", {"custom_metadata": {"owner": "x"}, "max_versions": 3})
        ]

    @pytest.mark.parametrize(("whole", "path"), [(False, "apps/data/db"), (True, "apps/metadata/db")])
    def test_deletion(self, whole: bool, path: str) -> None:
        vault = fake_vault()
        SECRET.delete(vault, {**self.INPUTS, "deleteAllVersions": whole}, "")
        assert vault.calls == [("DELETE", path, None)]

    @pytest.mark.parametrize("text", ["{a: 1}", "[1]", '"hunter2"'])
    def test_what_is_no_json_object_is_refused_without_showing_it(self, text: str) -> None:
        failures = SECRET.failures({"dataJson": text})
        assert [failure.property for failure in failures] == ["dataJson"]
        assert text not in failures[0].reason

    def test_a_secret_by_path_finds_its_engine_version(self) -> None:
        mount = {"data": {"path": "apps/", "options": {"version": "2"}}}
        vault = fake_vault({"sys/internal/ui/mounts/apps/x": mount, "apps/data/x": self.READ})
        inputs = {"path": "apps/x", "dataJson": '{"a": "b"}', "deleteAllVersions": True}
        assert GENERIC.create(vault, inputs) == ("apps/x", {"data": {"a": "b"}})
        assert vault.bodies("apps/data/x")[0] == {"data": {"a": "b"}}
        GENERIC.delete(vault, inputs, "")
        assert vault.calls[-1] == ("DELETE", "apps/metadata/x", None)

    def test_a_secret_by_path_goes_with_its_mount(self) -> None:
        vault = fake_vault(
            {"sys/internal/ui/mounts/gone/x": refused(403, "preflight capability check returned 403")}
        )
        assert GENERIC.fetch(vault, {"path": "gone/x", "dataJson": "{}"}, "") is None


class TestTokens:
    @pytest.mark.parametrize(
        ("inputs", "path"),
        [
            ({}, "auth/token/create"),
            ({"noParent": True}, "auth/token/create-orphan"),
            ({"roleName": "r", "noParent": True}, "auth/token/create/r"),
        ],
    )
    def test_where_a_token_is_made(self, inputs: Document, path: str) -> None:
        vault = fake_vault()
        vault.written[path] = {"auth": {"accessor": "acc", "client_token": "hvs.x", "lease_duration": 60}}
        resource_id, answer = TOKEN.create(vault, {**inputs, "ttl": "1m", "metadata": {"a": "b"}})
        assert resource_id == "acc"
        body = vault.bodies(path)[0]
        assert body is not None
        assert (body["ttl"], body["meta"]) == ("1m", {"a": "b"})
        computed = TOKEN.computed({}, answer)
        assert opened(computed) == {"clientToken": "hvs.x", "leaseDuration": 60}
        assert computed["clientToken"] != "hvs.x", "it has to be marked as secret"

    @pytest.mark.parametrize(
        ("error", "gone"),
        [(refused(403, "invalid accessor"), True), (refused(404, ""), True), (refused(400, "x"), False)],
    )
    def test_a_revoked_token_is_gone(self, error: VaultRefusedError, gone: bool) -> None:
        vault = fake_vault()
        vault.written["auth/token/lookup-accessor"] = error
        vault.written["auth/token/revoke-accessor"] = error
        if gone:
            assert TOKEN.fetch(vault, {}, "acc") is None
            TOKEN.delete(vault, {}, "acc")
            return
        with pytest.raises(VaultRefusedError):
            TOKEN.fetch(vault, {}, "acc")
        with pytest.raises(VaultRefusedError):
            TOKEN.delete(vault, {}, "acc")

    def test_a_changed_renewal_asks_nothing_of_the_server(self) -> None:
        vault = fake_vault()
        TOKEN.update(vault, {}, {"renewMinLease": 60})
        assert not vault.calls

    def test_wrapping_is_left_to_the_official_plugin(self) -> None:
        assert [failure.property for failure in TOKEN.failures({"wrappingTtl": "1h"})] == ["wrappingTtl"]


def test_the_role_id_of_an_approle_has_its_own_path() -> None:
    answers: dict[str, Any] = {
        "auth/approle/role/ci": {"data": {"token_ttl": 60}},
        "auth/approle/role/ci/role-id": {"data": {"role_id": "given"}},
    }
    vault = fake_vault(answers)
    _, answer = APP_ROLE.create(vault, inputs := {"backend": "approle", "roleName": "ci", "roleId": "given"})
    assert vault.bodies("auth/approle/role/ci/role-id")[0] == {"role_id": "given"}
    assert APP_ROLE.computed(inputs, answer) == {"roleId": "given"}
    assert APP_ROLE.fetch(fake_vault(), inputs, "") is None


def test_a_connection_says_which_database_it_means() -> None:
    assert CONNECTION.failures({"name": "x"})[0].property == "pluginName"
    assert not CONNECTION.failures({"name": "x", "pluginName": "own"})


def test_the_configuration_of_an_auth_method_goes_with_its_mount() -> None:
    vault = fake_vault()
    CONFIG.delete(vault, {"backend": "k8s"}, "auth/k8s/config")
    assert not vault.calls


def test_secrets_are_marked_whatever_the_program_says() -> None:
    state = SECRET.state({"mount": "a", "name": "b", "dataJson": "{}", "dataJsonWo": "{}"}, {})
    assert state["dataJson"] != "{}"
    assert "dataJsonWo" not in state
