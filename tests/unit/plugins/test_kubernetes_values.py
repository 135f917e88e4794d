"""Inputs, quantities, drift and field managers: documents in, documents out."""

import base64
from typing import Any

import pytest

from tests.unit.plugins.fakes import OWN_NAMES, subject
from toolchain.plugins.kubernetes.drift import drifted, pruned
from toolchain.plugins.kubernetes.inputs import completed, from_api, marked, to_api
from toolchain.plugins.kubernetes.managers import is_unmigrated, owned_by_others, taken_over
from toolchain.plugins.kubernetes.quantities import with_equal_quantities
from toolchain.plugins.kubernetes.state import inputs_of, previewed, reference_of, state_of
from toolchain.plugins.plugin import Naming, NamingMode
from toolchain.plugins.values import UNKNOWN, Document, plain, struct

AUTONAMED = {"pulumi.com/autonamed": "true"}


def inputs(new: Document, kind: str = "core/v1:ConfigMap", old: Document | None = None) -> Any:
    about = subject(f"kubernetes:{kind}", "conf")
    return completed(about, old or {}, new, OWN_NAMES, lambda: "team")


class TestInputs:
    def test_kind_name_and_namespace_are_filled_in(self) -> None:
        assert inputs({"data": {"a": "b"}, "immutable": None}) == {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "conf-01234567", "annotations": AUTONAMED, "namespace": "team"},
            "data": {"a": "b"},
        }

    def test_a_name_that_was_made_is_kept(self) -> None:
        old = {"metadata": {"name": "conf-old", "annotations": AUTONAMED}}
        assert inputs({}, old=old)["metadata"]["name"] == "conf-old"

    def test_a_name_that_was_given_is_not(self) -> None:
        old = {"metadata": {"name": "given"}}
        assert inputs({}, old=old)["metadata"]["name"] == "conf-01234567"

    def test_what_the_program_gives_stays(self) -> None:
        metadata = {"name": "n", "namespace": "other", "labels": {"a": "b"}}
        assert inputs({"metadata": metadata})["metadata"] == metadata

    @pytest.mark.parametrize("kind", ["core/v1:Namespace", "rbac.authorization.k8s.io/v1:ClusterRole"])
    def test_what_lies_in_no_namespace_gets_none(self, kind: str) -> None:
        assert "namespace" not in inputs({}, kind)["metadata"]

    def test_of_a_custom_kind_only_the_server_knows(self) -> None:
        assert "namespace" not in inputs({}, "example.com/v1:Widget")["metadata"]

    def test_unknown_metadata_stay_unknown(self) -> None:
        assert inputs({"metadata": UNKNOWN})["metadata"] == UNKNOWN
        partly = inputs({"metadata": {"namespace": UNKNOWN, "annotations": UNKNOWN}})["metadata"]
        assert partly == {"name": "conf-01234567", "namespace": UNKNOWN, "annotations": UNKNOWN}

    def test_what_only_the_server_sets_is_dropped(self) -> None:
        assert inputs({"metadata": {"name": "n", "uid": "u", "resourceVersion": "7"}})["metadata"] == {
            "name": "n",
            "namespace": "team",
        }

    def test_without_automatic_names_none_is_made(self) -> None:
        about = subject("kubernetes:core/v1:ConfigMap")
        disabled = Naming(NamingMode.DISABLED)
        assert "name" not in completed(about, {}, {}, disabled, lambda: "x")["metadata"]

    def test_strings_of_a_secret_become_data(self) -> None:
        secret = inputs(
            {"stringData": {"pw": "hunter2", "new": UNKNOWN}, "data": {"k": "dg=="}}, "core/v1:Secret"
        )
        assert "stringData" not in secret
        assert secret["data"] == {
            "k": "dg==",
            "pw": base64.b64encode(b"hunter2").decode(),
            "new": UNKNOWN,
        }

    def test_strings_that_are_unknown_as_a_whole_stay(self) -> None:
        assert inputs({"stringData": UNKNOWN}, "core/v1:Secret")["stringData"] == UNKNOWN

    def test_data_of_a_secret_are_marked(self) -> None:
        document = {"apiVersion": "v1", "kind": "Secret", "data": {"pw": "x"}, "type": "Opaque"}
        assert marked(document)["data"] != document["data"]
        assert plain(struct(marked(document))) == document
        other = {"apiVersion": "example.com/v1", "kind": "Secret", "data": {"pw": "x"}}
        assert marked(other) == other

    def test_the_spelling_of_a_schema(self) -> None:
        sdk = {
            "spec": {"schema": [{"x_kubernetes_preserve_unknown_fields": True}]},
            "metadata": {"name": "n"},
        }
        api = {
            "spec": {"schema": [{"x-kubernetes-preserve-unknown-fields": True}]},
            "metadata": {"name": "n"},
        }
        assert to_api(sdk) == api
        assert from_api({**api, "metadata": {"name": "n", "managedFields": [1]}}) == sdk


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        ("1000m", "1", True),
        ("1024Mi", "1Gi", True),
        ("0.5", "500m", True),
        ("1e3", "1k", True),
        (1, "1", True),
        ("1Gi", "1G", False),
        ("a", "b", False),
    ],
)
def test_quantities(old: Any, new: Any, equal: bool) -> None:
    before, after = ({"resources": {"requests": {"cpu": value}}} for value in (old, new))
    assert (with_equal_quantities(before, after) == before) is equal


def test_only_quantities_are_compared_by_amount() -> None:
    assert with_equal_quantities({"data": {"x": "1000m"}}, {"data": {"x": "1"}}) == {"data": {"x": "1"}}
    old, new = [{"sizeLimit": "1Gi"}], [{"sizeLimit": "1024Mi"}, {"sizeLimit": "1"}]
    assert with_equal_quantities(old, new) == [{"sizeLimit": "1Gi"}, {"sizeLimit": "1"}]


class TestDrift:
    INPUTS: Document = {"spec": {"cpu": "1000m", "list": [{"a": 1}], "x": 1}}  # noqa: RUF012
    WANTED: Document = {"spec": {"cpu": "1", "list": [{"a": 1, "default": 0}], "x": 1, "more": 0}}  # noqa: RUF012

    def test_the_servers_spelling_and_defaults_are_none(self) -> None:
        assert drifted(self.INPUTS, self.WANTED, self.WANTED) == self.INPUTS

    def test_what_others_add_is_none(self) -> None:
        live = {"spec": {**self.WANTED["spec"], "added": 1}, "status": {}}
        assert drifted(self.INPUTS, self.WANTED, live) == self.INPUTS

    @pytest.mark.parametrize(
        ("live", "expected"),
        [
            ({"cpu": "2"}, {"cpu": "2"}),
            ({"x": 2}, {"x": 2}),
            ({"list": [{"a": 2, "default": 0}]}, {"list": [{"a": 2}]}),
            ({"list": []}, {"list": []}),
        ],
    )
    def test_changed_values(self, live: Document, expected: Document) -> None:
        found = drifted(self.INPUTS, self.WANTED, {"spec": {**self.WANTED["spec"], **live}})
        assert found == {"spec": {**self.INPUTS["spec"], **expected}}

    def test_a_removed_value(self) -> None:
        live = {"spec": {key: value for key, value in self.WANTED["spec"].items() if key != "x"}}
        assert "x" not in drifted(self.INPUTS, self.WANTED, live)["spec"]

    def test_without_a_dry_run_live_values_are_cut_to_the_inputs(self) -> None:
        live = {"spec": {"cpu": "1", "list": [{"a": 1, "default": 0}], "added": 1}}
        assert pruned(self.INPUTS, live) == {"spec": {"cpu": "1", "list": [{"a": 1}]}}


def entry(manager: str, operation: str, fields: Document, **more: Any) -> Document:
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def live_with(*entries: Document) -> Document:
    return {"metadata": {"managedFields": list(entries)}}


class TestFieldManagers:
    """An object is created by one manager and applied by another, which takes over what kubectl did too."""

    def test_the_makers_fields_are_handed_over(self) -> None:
        live = live_with(
            entry("pulumi-kubernetes", "Update", {"f:spec": {"f:replicas": {}}}, time="t"),
            entry("kube-controller-manager", "Update", {"f:status": {}}, subresource="status"),
        )
        assert is_unmigrated(live)
        assert taken_over(live, "own") == [
            entry("own", "Apply", {"f:spec": {"f:replicas": {}}}, time="t"),
            live["metadata"]["managedFields"][1],
        ]

    def test_what_kubectl_patched_is_taken_back(self) -> None:
        live = live_with(
            entry("own", "Apply", {"f:spec": {"f:a": {}, "f:deep": {"f:x": {}}}}),
            entry("kubectl-patch", "Update", {"f:spec": {"f:b": {}, "f:deep": {"f:y": {}}}}),
        )
        assert not is_unmigrated(live)
        assert taken_over(live, "own") == [
            entry("own", "Apply", {"f:spec": {"f:a": {}, "f:deep": {"f:x": {}, "f:y": {}}, "f:b": {}}})
        ]

    @pytest.mark.parametrize(
        "other",
        [
            entry("kubectl", "Update", {"f:spec": {}}, subresource="scale"),
            entry("flux", "Update", {"f:spec": {}}),
            entry("own", "Apply", {"f:spec": {}}),
        ],
    )
    def test_what_others_do_is_left_to_them(self, other: Document) -> None:
        assert taken_over(live_with(other), "own") is None

    @pytest.mark.parametrize(
        ("managers", "expected"), [(["hpa"], True), (["hpa", "own"], False), (["own"], False), ([], False)]
    )
    def test_who_owns_a_field(self, managers: list[str], expected: bool) -> None:
        entries = [entry(name, "Update", {"f:spec": {"f:replicas": {}}}) for name in managers]
        assert owned_by_others(live_with(*entries), ("spec", "replicas"), "own") is expected


class TestState:
    LIVE: Document = {  # noqa: RUF012
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "n", "namespace": "ns", "uid": "u", "labels": {"a": "b"}, "managedFields": []},
        "spec": {"clusterIP": "10.0.0.9"},
        "status": {"x": 1},
    }

    def test_the_state_holds_what_the_official_plugin_needs_to_take_over(self) -> None:
        state = state_of({"spec": {"env": "hunter2"}}, self.LIVE, "own")
        assert (state["__fieldManager"], state["__initialApiVersion"]) == ("own", "v1")
        assert "hunter2" not in state["__inputs"], "the inputs have to be secret as a whole"
        assert plain(struct(state))["__inputs"] == {"spec": {"env": "hunter2"}}
        assert "managedFields" not in state["metadata"]

    def test_the_address_of_a_new_service_is_unknown_at_preview(self) -> None:
        inputs = {"apiVersion": "v1", "kind": "Service", "spec": {"ports": []}}
        assert previewed(inputs, self.LIVE, {})["spec"]["clusterIP"] == UNKNOWN
        assert previewed(inputs, None, {})["spec"]["clusterIP"] == UNKNOWN
        assert previewed(inputs, None, {"spec": {"clusterIP": "10.1.1.1"}})["spec"]["clusterIP"] == "10.1.1.1"

    @pytest.mark.parametrize("spec", [{"clusterIP": "None"}, {"type": "ExternalName"}])
    def test_an_address_that_is_none_stays(self, spec: Document) -> None:
        inputs = {"apiVersion": "v1", "kind": "Service", "spec": spec}
        assert previewed(inputs, None, {})["spec"] == spec

    def test_a_preview_knows_no_status(self) -> None:
        assert "status" not in previewed({"kind": "Deployment"}, self.LIVE, {})

    def test_an_import_takes_what_a_program_would_give(self) -> None:
        found = inputs_of(self.LIVE)
        assert found["metadata"] == {"name": "n", "namespace": "ns", "labels": {"a": "b"}}
        assert "status" not in found

    def test_an_object_is_found_by_its_id(self) -> None:
        about = subject("kubernetes:example.com/v1:Widget", id="ns/w")
        assert str(reference_of(about, {}, {})) == "Widget ns/w"
        assert reference_of(
            about, {"apiVersion": "example.com/v2", "kind": "Widget"}, {}
        ).api_version.endswith("v2")
        assert reference_of(subject("kubernetes:core/v1:Namespace", id="x"), {}, {}).namespace == ""
