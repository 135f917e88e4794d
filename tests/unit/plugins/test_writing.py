import time
from typing import Any

import pytest

from tests.unit.plugins.fakes import engine, fake_api, refusal, subject
from toolchain.plugins.kubernetes import errors
from toolchain.plugins.kubernetes.writing import Writer, field_manager
from toolchain.plugins.values import Document

CONFIG_MAP: Document = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c", "namespace": "ns"},
    "data": {"a": "b"},
}
WIDGET: Document = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
ABOUT = subject("kubernetes:core/v1:ConfigMap", timeout_seconds=5)
CONFLICT = refusal(
    409,
    "Conflict",
    causes=[(".spec.replicas", 'conflict with "kubectl" with subresource "scale" using apps/v1')],
)


def writer(
    api: Any, *, told: list[str] | None = None, always_force: bool = False, upsert: bool = False
) -> Writer:
    return Writer(
        api,
        engine(told),
        default_namespace=lambda: "team",
        always_force=always_force,
        upsert=upsert,
    )


def managed(*entries: Document) -> Document:
    return {
        **CONFIG_MAP,
        "metadata": {**CONFIG_MAP["metadata"], "resourceVersion": "7", "managedFields": [*entries]},
    }


MADE = {"manager": "pulumi-kubernetes", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}}
APPLIED = {**MADE, "manager": "own", "operation": "Apply"}


def test_the_manager_is_the_programs_or_the_objects_or_new() -> None:
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "mine"}}}
    assert field_manager(annotated, {"__fieldManager": "old"}) == "mine"
    assert field_manager({}, {"__fieldManager": "old"}) == "old"
    assert field_manager({}, {}) != field_manager({}, {})


def test_an_object_is_created_and_never_merged_into_another() -> None:
    api = fake_api()
    writer(api).create(ABOUT, CONFIG_MAP, "own")
    assert api.calls == [("create", (CONFIG_MAP, "pulumi-kubernetes", False))]
    with pytest.raises(errors.ObjectExistsError, match="ConfigMap ns/c exists already: import it"):
        writer(api).create(ABOUT, CONFIG_MAP, "own")


def test_it_is_taken_over_where_the_program_says_so() -> None:
    api = fake_api(CONFIG_MAP)
    writer(api, upsert=True).create(ABOUT, CONFIG_MAP, "own")
    assert api.verbs() == ["apply"]


def test_a_namespace_that_comes_later_is_waited_for() -> None:
    api, told = fake_api(), list[str]()
    api.refusals["create"] = [refusal(404, "NotFound", 'namespaces "ns" not found')]
    assert writer(api, told=told).create(ABOUT, CONFIG_MAP, "own")["data"] == {"a": "b"}
    [said] = told
    assert said.startswith("waiting up to 5 s: There is no namespace ns for ConfigMap ns/c: create it first")


def test_a_kind_that_comes_later_is_waited_for() -> None:
    api = fake_api()
    later = engine()

    class Slow:
        asked = 0

        def __call__(self, api_version: str, kind: str) -> bool:
            self.asked += 1
            if self.asked == 1:
                raise errors.KindMissingError(api_version, kind)
            return True

    api.is_namespaced = Slow()
    made = Writer(api, later, default_namespace=lambda: "team", always_force=False, upsert=False).create(
        ABOUT, WIDGET, "own"
    )
    assert made["metadata"]["namespace"] == "team"


def test_the_wait_has_the_programs_limit() -> None:
    api = fake_api()
    api.refusals["create"] = [refusal(404, "NotFound", 'namespaces "ns" not found')] * 99
    started = time.monotonic()
    with pytest.raises(errors.NamespaceMissingError):
        writer(api).create(subject("kubernetes:core/v1:ConfigMap", timeout_seconds=0.4), CONFIG_MAP, "own")
    assert 0.3 < time.monotonic() - started < 2


def test_an_interrupted_run_does_not_wait_for_a_kind() -> None:
    interrupted = engine()
    interrupted.cancelled.set()
    slow = Writer(fake_api(), interrupted, default_namespace=lambda: "x", always_force=False, upsert=False)
    with pytest.raises(errors.KindMissingError, match="install its CustomResourceDefinition first"):
        slow.create(ABOUT, WIDGET, "own")


def test_another_refusal_is_not_tried_again() -> None:
    api = fake_api()
    api.refusals["create"] = [refusal(422, "Invalid", "bad field")]
    with pytest.raises(errors.RefusedError, match="bad field"):
        writer(api).create(ABOUT, CONFIG_MAP, "own")
    assert api.verbs() == ["create"]


@pytest.mark.parametrize(("namespaced", "namespace"), [(True, "team"), (False, None)])
def test_only_the_server_knows_where_a_custom_object_lies(namespaced: bool, namespace: str | None) -> None:
    api = fake_api(kinds={"Widget": namespaced})
    made = writer(api).create(ABOUT, WIDGET, "own")
    assert made["metadata"].get("namespace") == namespace


def test_the_first_update_takes_the_makers_fields_over() -> None:
    api = fake_api(managed(MADE))
    writer(api).update(CONFIG_MAP, "own", ())
    assert api.verbs() == ["get", "patch", "apply"]
    assert api.last("patch")[0]["value"] == [APPLIED]
    assert api.last("patch")[1]["value"] == "7", "nobody may have changed it in between"
    assert api.last("apply")[1:] == ("own", False, False)


def test_a_later_update_only_applies() -> None:
    api = fake_api(managed(APPLIED))
    writer(api).update(CONFIG_MAP, "own", ())
    assert api.verbs() == ["get", "apply"]


@pytest.mark.parametrize(
    ("live", "always", "annotation", "forced"),
    [
        (managed(MADE), False, "", True),
        (managed(APPLIED), False, "", False),
        (managed(APPLIED), True, "", True),
        (managed(APPLIED), False, "true", True),
    ],
)
def test_a_preview_assumes_what_the_update_would_take_over(
    live: Document, always: bool, annotation: str, forced: bool
) -> None:
    api = fake_api(live)
    annotations = {"pulumi.com/patchForce": annotation} if annotation else {}
    manifest = {**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "annotations": annotations}}
    writer(api, always_force=always).preview_update(manifest, "own", ())
    assert api.last("apply")[2:] == (forced, True)
    assert "patch" not in api.verbs()


def test_a_conflict_names_fields_managers_and_the_ways_out() -> None:
    api = fake_api(managed(APPLIED))
    api.refusals["apply"] = [CONFLICT]
    with pytest.raises(errors.FieldConflictError) as raised:
        writer(api).update(CONFIG_MAP, "own", ())
    assert "ConfigMap ns/c has fields that somebody else set since (spec.replicas by kubectl)" in str(
        raised.value
    )
    assert "pulumi.com/patchForce" in str(raised.value)
    assert "enablePatchForce" in str(raised.value)


def test_a_conflict_of_versions_is_no_conflict_of_fields() -> None:
    api = fake_api(managed(APPLIED))
    api.refusals["apply"] = [refusal(409, "Conflict", "the object has been modified")]
    with pytest.raises(errors.RefusedError, match="modified"):
        writer(api).update(CONFIG_MAP, "own", ())


def test_what_is_gone_cannot_be_updated() -> None:
    with pytest.raises(errors.ObjectGoneError, match="run `pulumi refresh`"):
        writer(fake_api()).update(CONFIG_MAP, "own", ())


def test_an_ignored_field_of_others_is_left_out_and_an_own_one_kept() -> None:
    scaled = {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    kept = {"manager": "own", "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    spec = {"replicas": 5, "paused": True}
    api = fake_api({**managed(scaled, kept), "spec": spec})
    writer(api).update(
        {**CONFIG_MAP, "spec": {"replicas": 1, "paused": False}}, "own", ("spec.replicas", "spec.paused")
    )
    assert api.last("apply")[0]["spec"] == {"paused": True}


def test_a_resource_definition_is_replaced_whole() -> None:
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    live = {**definition, "metadata": {"name": "x", "resourceVersion": "9"}, "spec": {"old": 1}}
    manifest = {**definition, "metadata": {"name": "x"}, "spec": {"new": 1}}
    api = fake_api(live, kinds={"CustomResourceDefinition": False})
    writer(api).preview_update(manifest, "own", ())
    replaced = writer(api).update(manifest, "own", ())
    assert replaced["spec"] == {"new": 1}
    assert api.last("replace")[0]["metadata"]["resourceVersion"] == "9"
    assert "resourceVersion" not in manifest["metadata"]
