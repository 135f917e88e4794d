from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from tests.unit.plugins.fakes import engine
from toolchain.plugins.differences import Path
from toolchain.plugins.errors import NotReadyError, PluginError
from toolchain.plugins.plugin import Checked, Created, Engine, Failure, Found, Naming, Plugin, Subject
from toolchain.plugins.service import Service
from toolchain.plugins.values import Document, plain, struct
from toolchain.plugins.wire import provider_pb2, status_pb2

SECRET = "hunter2"


class Aborted(Exception):  # noqa: N818 - it is what gRPC raises
    pass


class Context:
    """A gRPC context that keeps how a call was ended."""

    def __init__(self) -> None:
        self.trailing: dict[str, bytes] = {}

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        self.code, self.details = code, details
        raise Aborted(details)

    def set_trailing_metadata(self, metadata: Any) -> None:
        self.trailing = dict(metadata)


class Shelf(Plugin):
    """A package with one type: boxes, whose colour can't be changed."""

    package = "shelf"
    seen: Any = None

    def check_configuration(self, inputs: Document) -> list[Failure]:
        return [Failure("room", "must be given")] if "room" not in inputs else []

    def configuration_replaced_by(self, _old: Document, _new: Document, changed: list[str]) -> list[str]:
        return [name for name in changed if name == "room"]

    def configure(self, configuration: dict[str, str]) -> None:
        self.seen = configuration

    def check(self, subject: Subject, old: Document, new: Document, naming: Naming) -> Checked:
        self.seen = (subject, old, naming)
        return Checked({**new, "name": naming.make(subject.name, 4) or ""}, [Failure("size", "is too big")])

    def is_replaced_by(self, _subject: Subject, path: Path, _old: Document, _new: Document) -> bool:
        return path[0] == "colour"

    def is_deleted_first(self, _subject: Subject, _old: Document, _new: Document) -> bool:
        return True

    def create(self, subject: Subject, inputs: Document) -> Created:
        self.seen = subject
        match inputs.get("fails"):
            case "plainly":
                raise PluginError("The shelf is full.")
            case "late":
                raise NotReadyError("b1", {"a": 1}, {"a": 2}, "Box b1 isn't ready.")
            case "badly":
                raise KeyError(SECRET)
        return Created("b1", {**inputs, "weight": 3})

    def read(self, subject: Subject, inputs: Document, state: Document) -> Found | None:
        return None if subject.id == "gone" else Found("b2", inputs, state)

    def update(self, _subject: Subject, old: Document, new: Document, state: Document) -> Document:
        return {"old": old, "new": new, "state": state}

    def delete(self, _subject: Subject, _inputs: Document, state: Document) -> None:
        self.seen = state


@pytest.fixture
def shelf() -> Shelf:
    return Shelf("1.2.3", engine())


@pytest.fixture
def service(shelf: Shelf) -> Service:
    return Service(shelf)


@pytest.fixture
def context() -> Context:
    return Context()


def test_it_takes_no_secrets_and_honours_autonaming(service: Service, context: Context) -> None:
    answer = service.Handshake(provider_pb2.ProviderHandshakeRequest(), context)
    assert not answer.accept_secrets
    assert answer.supports_autonaming_configuration
    assert service.GetPluginInfo(Empty(), context).version == "1.2.3"


def test_configuration_comes_without_its_prefix(service: Service, shelf: Shelf, context: Context) -> None:
    service.Configure(provider_pb2.ConfigureRequest(variables={"shelf:config:room": "attic"}), context)
    assert shelf.seen == {"room": "attic"}


def test_a_changed_configuration_tells_what_it_replaces(service: Service, context: Context) -> None:
    old, new = struct({"room": "a", "light": 1}), struct({"room": "b", "light": 2})
    answer = service.DiffConfig(provider_pb2.DiffRequest(old_inputs=old, news=new), context)
    assert (list(answer.diffs), list(answer.replaces)) == (["light", "room"], ["room"])
    assert answer.changes == provider_pb2.DiffResponse.DIFF_SOME


def test_an_equal_configuration_is_no_change(service: Service, context: Context) -> None:
    same = struct({"room": "a"})
    answer = service.DiffConfig(provider_pb2.DiffRequest(old_inputs=same, news=same), context)
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_failures_name_no_property_whose_value_the_engine_would_print(
    service: Service, context: Context
) -> None:
    request = provider_pb2.CheckRequest(name="box", type="shelf:index:Box", news=struct({"size": SECRET}))
    failure = service.Check(request, context).failures[0]
    assert failure.property == ""
    assert failure.reason == "size is too big"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (None, "box-dead"),
        ({"mode": provider_pb2.CheckRequest.AutonamingOptions.PROPOSE, "proposed_name": "p"}, "p"),
        ({"mode": provider_pb2.CheckRequest.AutonamingOptions.ENFORCE, "proposed_name": "e"}, "e"),
        ({"mode": provider_pb2.CheckRequest.AutonamingOptions.DISABLE}, ""),
    ],
)
def test_names_follow_the_project(service: Service, context: Context, options: Any, name: str) -> None:
    request = provider_pb2.CheckRequest(name="box", randomSeed=b"\xde\xad\xbe\xef")
    if options:
        request.autonaming.CopyFrom(provider_pb2.CheckRequest.AutonamingOptions(**options))
    assert plain(service.Check(request, context).inputs)["name"] == name


def diff(service: Service, old: Document, new: Document, ignored: tuple[str, ...] = ()) -> Any:
    request = provider_pb2.DiffRequest(old_inputs=struct(old), news=struct(new), ignoreChanges=ignored)
    return service.Diff(request, Context())


def test_a_difference_is_told_in_detail(service: Service) -> None:
    answer = diff(service, {"a": [1], "b": 1}, {"a": [2], "c": 1})
    kinds = {
        path: provider_pb2.PropertyDiff.Kind.Name(each.kind) for path, each in answer.detailedDiff.items()
    }
    assert kinds == {"a[0]": "UPDATE", "b": "DELETE", "c": "ADD"}
    assert not answer.replaces
    assert not answer.deleteBeforeReplace


def test_a_replacement_says_so(service: Service) -> None:
    answer = diff(service, {"colour": "red"}, {"colour": "blue"})
    assert answer.detailedDiff["colour"].kind == provider_pb2.PropertyDiff.UPDATE_REPLACE
    assert list(answer.replaces) == ["colour"]
    assert answer.deleteBeforeReplace


def test_ignored_changes_are_none(service: Service) -> None:
    answer = diff(service, {"colour": "red"}, {"colour": "blue"}, ("colour",))
    assert answer.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_preview_makes_nothing(service: Service, shelf: Shelf, context: Context) -> None:
    answer = service.Create(provider_pb2.CreateRequest(preview=True, properties=struct({"a": 1})), context)
    assert plain(answer.properties) == {"a": 1}
    assert shelf.seen is None


def test_a_preview_of_an_update_keeps_what_the_state_knows(service: Service, context: Context) -> None:
    request = provider_pb2.UpdateRequest(preview=True, olds=struct({"a": 1, "b": 2}), news=struct({"a": 3}))
    assert plain(service.Update(request, context).properties) == {"a": 3, "b": 2}


def test_an_update_gets_old_inputs_and_state_apart(service: Service, context: Context) -> None:
    request = provider_pb2.UpdateRequest(
        olds=struct({"s": 1}), old_inputs=struct({"o": 1}), news=struct({"n": 1})
    )
    answer = plain(service.Update(request, context).properties)
    assert answer == {"old": {"o": 1}, "new": {"n": 1}, "state": {"s": 1}}


def test_a_timeout_of_zero_is_none(service: Service, shelf: Shelf, context: Context) -> None:
    service.Create(provider_pb2.CreateRequest(timeout=0), context)
    assert shelf.seen.timeout_seconds is None
    service.Create(provider_pb2.CreateRequest(timeout=2.5), context)
    assert shelf.seen.timeout_seconds == 2.5


def test_reading_what_is_gone_answers_without_an_id(service: Service, context: Context) -> None:
    assert service.Read(provider_pb2.ReadRequest(id="gone"), context).id == ""
    assert service.Read(provider_pb2.ReadRequest(id="there"), context).id == "b2"


def test_an_error_of_ours_is_its_sentence(service: Service, context: Context) -> None:
    with pytest.raises(Aborted, match=r"^The shelf is full\.$"):
        service.Create(provider_pb2.CreateRequest(properties=struct({"fails": "plainly"})), context)
    assert context.code == grpc.StatusCode.FAILED_PRECONDITION


def test_an_object_that_is_not_ready_keeps_its_state(service: Service, context: Context) -> None:
    with pytest.raises(Aborted):
        service.Create(provider_pb2.CreateRequest(properties=struct({"fails": "late"})), context)
    status = status_pb2.Status.FromString(context.trailing["grpc-status-details-bin"])
    details = provider_pb2.ErrorResourceInitFailed()
    status.details[0].Unpack(details)
    assert (details.id, list(details.reasons)) == ("b1", ["Box b1 isn't ready."])
    assert (plain(details.inputs), plain(details.properties)) == ({"a": 1}, {"a": 2})


def test_a_defect_tells_its_place_and_no_value(service: Service, context: Context) -> None:
    with pytest.raises(Aborted):
        service.Create(provider_pb2.CreateRequest(properties=struct({"fails": "badly"})), context)
    assert "KeyError at test_service.py:" in context.details
    assert SECRET not in context.details


@pytest.mark.parametrize("call", ["Invoke", "Construct", "Call"])
def test_what_only_the_official_plugin_does_is_said(service: Service, context: Context, call: str) -> None:
    request = {
        "Invoke": provider_pb2.InvokeRequest(tok="shelf:index:f"),
        "Construct": provider_pb2.ConstructRequest(type="shelf:index:Component"),
        "Call": provider_pb2.CallRequest(tok="shelf:index:m"),
    }[call]
    with pytest.raises(Aborted, match=r"`pulumi plugin install resource shelf 1\.2\.3`"):
        getattr(service, call)(request, context)
    assert context.code == grpc.StatusCode.UNIMPLEMENTED


def test_cancel_reaches_every_wait(service: Service, shelf: Shelf, context: Context) -> None:
    assert not shelf.engine.cancelled.is_set()
    service.Cancel(Empty(), context)
    assert shelf.engine.cancelled.is_set()


def test_an_engine_may_be_absent() -> None:
    Engine(cancelled=engine().cancelled).progress("urn", "nobody hears it")
