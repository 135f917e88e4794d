"""The plugin as the engine meets it, over an API server of dictionaries."""

import json
from typing import Any

import pytest

from tests.unit.plugins.fakes import OWN_NAMES, engine, fake_api, refusal, subject
from toolchain.plugins.errors import NotReadyError, UnsupportedError
from toolchain.plugins.kubernetes.awaiting import Waiter
from toolchain.plugins.kubernetes.errors import (
    ClusterUnreachableError,
    FieldConflictError,
    ObjectExistsError,
    RefusedError,
)
from toolchain.plugins.kubernetes.plugin import KubernetesPlugin
from toolchain.plugins.kubernetes.writing import Writer
from toolchain.plugins.plugin import Naming, NamingMode
from toolchain.plugins.values import UNKNOWN, Document, plain, struct

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
WIDGET = "kubernetes:example.com/v1:Widget"
UNREACHABLE = ClusterUnreachableError("https://x", "Connection refused")
INPUTS: Document = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "ns"},
    "data": {"a": "b"},
}


def plugin_on(api: Any, **configuration: str) -> KubernetesPlugin:
    """Return a configured plugin whose cluster is `api`."""
    plugin = KubernetesPlugin("4.34.2", engine())
    plugin.configure({"namespace": "team", **configuration})
    plugin._api = api
    plugin._waiter = Waiter(api, plugin.engine)
    options = plugin._options
    plugin._writer = Writer(
        api,
        plugin.engine,
        default_namespace=lambda: "team",
        always_force=options.patch_force,
        upsert=options.upsert,
    )
    return plugin


def opened(document: Document) -> Document:
    return plain(struct(document))


class TestConfiguration:
    @staticmethod
    def kubeconfig(server: str, user: str = "u") -> str:
        return json.dumps(
            {
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": user}}],
                "users": [{"name": user, "user": {"token": user}}],
                "current-context": "x",
            }
        )

    @pytest.mark.parametrize(
        ("old", "new", "replaced"),
        [
            pytest.param("https://a", "https://b", ["kubeconfig"], id="another address"),
            pytest.param("https://a", "https://a", [], id="other credentials"),
        ],
    )
    def test_a_moved_cluster_replaces_everything(self, old: str, new: str, replaced: list[str]) -> None:
        before, after = (
            {"kubeconfig": self.kubeconfig(server, f"u{index}")} for index, server in enumerate((old, new))
        )
        plugin = plugin_on(fake_api())
        assert plugin.configuration_replaced_by(before, after, ["kubeconfig"]) == replaced

    @pytest.mark.parametrize(
        ("old", "new", "replaced"),
        [
            ("one", "one", []),
            ("one", "two", ["clusterIdentifier"]),
            (None, "one", ["kubeconfig"]),
        ],
    )
    def test_the_clusters_own_identifier_counts_more(
        self, old: str | None, new: str, replaced: list[str]
    ) -> None:
        before = {"kubeconfig": self.kubeconfig("https://a"), "clusterIdentifier": old}
        after = {"kubeconfig": self.kubeconfig("https://b"), "clusterIdentifier": new}
        changed = ["clusterIdentifier", "kubeconfig"]
        assert plugin_on(fake_api()).configuration_replaced_by(before, after, changed) == replaced

    def test_an_unknown_kubeconfig_may_be_any(self) -> None:
        before, after = {"kubeconfig": self.kubeconfig("https://a")}, {"kubeconfig": UNKNOWN}
        assert plugin_on(fake_api()).configuration_replaced_by(before, after, ["kubeconfig"]) == [
            "kubeconfig"
        ]

    def test_an_unreadable_kubeconfig_replaces_nothing(self) -> None:
        before, after = {"kubeconfig": "/nowhere/1"}, {"kubeconfig": "/nowhere/2"}
        assert plugin_on(fake_api()).configuration_replaced_by(before, after, ["kubeconfig"]) == []

    @pytest.mark.parametrize(
        ("inputs", "names"),
        [
            ({"renderYamlToDirectory": "out"}, ["renderYamlToDirectory"]),
            ({"enableServerSideApply": "false"}, ["enableServerSideApply"]),
            ({"enableServerSideApply": "true", "kubeconfig": "x"}, []),
        ],
    )
    def test_options_of_the_official_plugin_alone(self, inputs: Document, names: list[str]) -> None:
        found = plugin_on(fake_api()).check_configuration(inputs)
        assert [failure.property for failure in found] == names

    def test_options_come_from_the_environment_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PULUMI_K8S_ENABLE_SECRET_MUTABLE", "true")
        options = plugin_on(fake_api(), enableConfigMapMutable="true", enablePatchForce="false")._options
        assert options.mutable_kinds == {"ConfigMap", "Secret"}
        assert not options.patch_force


class TestCheck:
    def test_nothing_is_asked_of_the_server(self) -> None:
        api = fake_api()
        checked = plugin_on(api).check(subject(CONFIG_MAP, "conf"), {}, {"data": {"a": "b"}}, OWN_NAMES)
        assert opened(checked.inputs)["metadata"]["namespace"] == "team"
        assert not checked.failures
        assert not api.calls

    @pytest.mark.parametrize(
        ("metadata", "naming", "property_path"),
        [
            ({"generateName": "x-"}, OWN_NAMES, "metadata.generateName"),
            ({}, Naming(NamingMode.DISABLED), "metadata.name"),
            (
                {"annotations": {"pulumi.com/waitFor": "Ready"}},
                OWN_NAMES,
                'metadata.annotations["pulumi.com/waitFor"]',
            ),
        ],
    )
    def test_failures(self, metadata: Document, naming: Naming, property_path: str) -> None:
        found = plugin_on(fake_api()).check(subject(CONFIG_MAP), {}, {"metadata": metadata}, naming).failures
        assert [failure.property for failure in found] == [property_path]

    @pytest.mark.parametrize("type_token", ["kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:PodList"])
    def test_what_is_left_to_the_official_plugin(self, type_token: str) -> None:
        with pytest.raises(UnsupportedError, match=r"resource kubernetes 4\.34\.2"):
            plugin_on(fake_api()).check(subject(type_token), {}, {}, OWN_NAMES)


class TestComparison:
    def test_a_namespace_that_the_server_chose_is_no_change(self) -> None:
        old, new = {"metadata": {"name": "w"}}, {"metadata": {"name": "w", "namespace": "team"}}
        state = {"metadata": {"namespace": "team"}}
        before, after = plugin_on(fake_api()).comparable(subject(WIDGET), state, old, new)
        assert before == after

    @pytest.mark.parametrize(("type_token", "equal"), [(DEPLOYMENT, True), (WIDGET, False)])
    def test_an_equal_amount_is_no_change_of_a_built_in_kind(self, type_token: str, equal: bool) -> None:
        old, new = {"spec": {"limits": {"cpu": "1000m"}}}, {"spec": {"limits": {"cpu": "1"}}}
        before, after = plugin_on(fake_api()).comparable(subject(type_token), {}, old, new)
        assert (before == after) is equal

    @pytest.mark.parametrize(
        ("annotations", "old_name", "first"),
        [({}, "c", True), ({}, "other", False), ({"pulumi.com/autonamed": "true"}, "c", False)],
    )
    def test_what_keeps_its_name_is_deleted_first(
        self, annotations: Document, old_name: str, first: bool
    ) -> None:
        old = {"metadata": {"name": old_name, "namespace": "ns"}}
        new = {"metadata": {"name": "c", "namespace": "ns", "annotations": annotations}}
        assert plugin_on(fake_api()).is_deleted_first(subject(CONFIG_MAP), old, new) is first

    @pytest.mark.parametrize(("option", "replaced"), [("true", False), ("false", True)])
    def test_data_are_replaced_unless_they_are_mutable(self, option: str, replaced: bool) -> None:
        plugin = plugin_on(fake_api(), enableConfigMapMutable=option)
        assert plugin.is_replaced_by(subject(CONFIG_MAP), ("data", "a"), INPUTS, INPUTS) is replaced


class TestPreview:
    def test_a_new_object_is_what_the_server_would_make(self) -> None:
        api = fake_api()
        assert plugin_on(api).preview_create(subject(CONFIG_MAP), INPUTS)["metadata"]["uid"] == "uid-1"
        assert api.last("create")[2], "it has to be a dry run"
        assert not api.objects

    @pytest.mark.parametrize(
        "error",
        [
            UNREACHABLE,
            refusal(404, "NotFound", 'namespaces "ns" not found'),
            refusal(403, "Forbidden"),
            refusal(409, "AlreadyExists"),
            refusal(500, "InternalError", "failed calling webhook"),
        ],
    )
    def test_where_the_server_cannot_tell_the_inputs_stand(self, error: Exception) -> None:
        api = fake_api()
        api.refusals["create"] = [error]
        assert plugin_on(api).preview_create(subject(CONFIG_MAP), INPUTS) == INPUTS

    def test_an_unreachable_cluster_is_asked_once(self) -> None:
        api = fake_api()
        api.refusals["create"], api.refusals["get"] = [UNREACHABLE], [UNREACHABLE]
        plugin = plugin_on(api)
        for _ in range(3):
            assert plugin.preview_create(subject(CONFIG_MAP), INPUTS) == INPUTS
            assert plugin.preview_update(subject(CONFIG_MAP), INPUTS, {}) == INPUTS
        assert len(api.calls) == 1

    def test_an_unknown_kind_is_not_an_error_yet(self) -> None:
        inputs = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
        assert plugin_on(fake_api()).preview_create(subject(WIDGET), inputs) == inputs

    def test_unknown_inputs_are_not_sent(self) -> None:
        api = fake_api()
        inputs = {**INPUTS, "data": {"a": UNKNOWN}}
        assert plugin_on(api).preview_create(subject(CONFIG_MAP), inputs) == inputs
        assert not api.calls

    def test_what_the_server_finds_wrong_fails_the_preview(self) -> None:
        api = fake_api()
        api.refusals["create"] = [refusal(422, "Invalid", "bad field")]
        with pytest.raises(RefusedError, match="bad field"):
            plugin_on(api).preview_create(subject(CONFIG_MAP), INPUTS)

    def test_a_conflict_fails_the_preview_of_an_update(self) -> None:
        live = {**INPUTS, "metadata": {**INPUTS["metadata"], "managedFields": []}}
        api = fake_api(live)
        api.refusals["apply"] = [
            refusal(409, "Conflict", causes=[(".data.a", 'conflict with "kubectl-patch"')])
        ]
        with pytest.raises(FieldConflictError, match=r"data\.a by kubectl-patch"):
            plugin_on(api).preview_update(subject(CONFIG_MAP), INPUTS, {"__fieldManager": "own"})


class TestLife:
    def test_a_new_object(self) -> None:
        created = plugin_on(fake_api()).create(subject(CONFIG_MAP), INPUTS)
        assert created.id == "ns/c"
        state = opened(created.state)
        assert state["__inputs"] == INPUTS
        assert state["__fieldManager"].startswith("pulumi-kubernetes-")

    def test_an_object_that_is_not_ready_is_kept_with_its_reason(self) -> None:
        inputs = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "ns"},
            "spec": {"replicas": 1},
        }
        with pytest.raises(NotReadyError, match="0 of 1 replicas are updated") as raised:
            plugin_on(fake_api()).create(subject(DEPLOYMENT, timeout_seconds=0.2), inputs)
        assert raised.value.resource_id == "ns/web"
        assert raised.value.state["metadata"]["name"] == "web"

    def test_an_object_that_exists_is_not_touched(self) -> None:
        with pytest.raises(ObjectExistsError):
            plugin_on(fake_api(INPUTS)).create(subject(CONFIG_MAP), INPUTS)

    def test_an_update_keeps_its_manager(self) -> None:
        api = fake_api(INPUTS)
        changed = {**INPUTS, "data": {"a": "c"}}
        state = plugin_on(api).update(subject(CONFIG_MAP), INPUTS, changed, {"__fieldManager": "own"})
        assert (state["data"], state["__fieldManager"]) == ({"a": "c"}, "own")

    @pytest.mark.parametrize(
        ("annotation", "propagation"),
        [("", "Foreground"), ("background", "Background"), ("Orphan", "Orphan"), ("x", "Foreground")],
    )
    def test_a_deletion(self, annotation: str, propagation: str) -> None:
        api = fake_api(INPUTS)
        metadata = {**INPUTS["metadata"], "annotations": {"pulumi.com/deletionPropagationPolicy": annotation}}
        plugin_on(api).delete(subject(CONFIG_MAP, id="ns/c"), {**INPUTS, "metadata": metadata}, {})
        assert api.last("delete")[1] == propagation
        assert not api.objects

    def test_manifests_are_decoded(self) -> None:
        answer = plugin_on(fake_api()).invoke("kubernetes:yaml:decode", {"text": "kind: A\n---\nkind: B"})
        assert answer == {"result": [{"kind": "A"}, {"kind": "B"}]}
        with pytest.raises(UnsupportedError, match="helm:template"):
            plugin_on(fake_api()).invoke("kubernetes:helm:template", {})


class TestRead:
    ABOUT = subject(CONFIG_MAP, id="ns/c")

    def test_what_is_gone(self) -> None:
        assert plugin_on(fake_api()).read(self.ABOUT, INPUTS, {}) is None

    def test_no_drift_needs_no_dry_run(self) -> None:
        api = fake_api({**INPUTS, "more": 1})
        found = plugin_on(api).read(self.ABOUT, INPUTS, {})
        assert found is not None
        assert found.inputs == INPUTS
        assert api.verbs() == ["get"]

    def test_drift_is_what_a_dry_run_would_change(self) -> None:
        api = fake_api({**INPUTS, "data": {"a": "hand"}})
        found = plugin_on(api).read(self.ABOUT, INPUTS, {"__fieldManager": "own"})
        assert found is not None
        assert found.inputs["data"] == {"a": "hand"}
        assert api.last("apply")[1:] == ("own", True, True)
        assert found.state["data"] == {"a": "hand"}

    def test_the_servers_spelling_is_no_drift(self) -> None:
        api = fake_api({**INPUTS, "data": {"a": "1"}})
        api.apply = lambda *_arguments, **_options: {**INPUTS, "data": {"a": "1"}}
        found = plugin_on(api).read(self.ABOUT, {**INPUTS, "data": {"a": "1000m"}}, {})
        assert found is not None
        assert found.inputs["data"] == {"a": "1000m"}

    def test_without_a_dry_run_the_live_values_count(self) -> None:
        api = fake_api({**INPUTS, "data": {"a": "hand", "b": "more"}})
        api.refusals["apply"] = [refusal(403, "Forbidden")]
        found = plugin_on(api).read(self.ABOUT, INPUTS, {})
        assert found is not None
        assert found.inputs["data"] == {"a": "hand"}

    def test_an_import_takes_all_that_is_not_the_servers(self) -> None:
        found = plugin_on(fake_api({**INPUTS, "status": {}})).read(self.ABOUT, {}, {})
        assert found is not None
        assert found.inputs == INPUTS

    def test_a_refresh_tells_what_is_not_ready(self) -> None:
        live = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "ns"},
            "spec": {"replicas": 1},
        }
        with pytest.raises(NotReadyError, match="Deployment ns/web isn't ready: 0 of 1"):
            plugin_on(fake_api(live)).read(subject(DEPLOYMENT, id="ns/web"), live, {})

    @pytest.mark.parametrize(
        ("option", "gone"), [("deleteUnreachable", True), ("skipUpdateUnreachable", False), ("", None)]
    )
    def test_an_unreachable_cluster(self, option: str, gone: bool | None) -> None:
        api = fake_api(INPUTS)
        api.refusals["get"] = [UNREACHABLE]
        api.refusals["delete"] = [UNREACHABLE]
        plugin = plugin_on(api, **({option: "true"} if option else {}))
        if gone is None:
            with pytest.raises(ClusterUnreachableError):
                plugin.read(self.ABOUT, INPUTS, {"kept": 1})
            with pytest.raises(ClusterUnreachableError):
                plugin.delete(self.ABOUT, INPUTS, {})
            return
        found = plugin.read(self.ABOUT, INPUTS, {"kept": 1})
        assert (found is None) is gone
        if gone:
            plugin.delete(self.ABOUT, INPUTS, {})
