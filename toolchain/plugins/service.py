"""The engine's provider protocol, spoken for a `Plugin`."""

# ruff: noqa: N802 - the method names are the protocol's

import functools
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]

from toolchain.plugins.differences import Difference, differences, dotted, is_ignored
from toolchain.plugins.errors import NotReadyError, PluginError, UnsupportedError
from toolchain.plugins.plugin import Failure, Naming, NamingMode, Plugin, Subject
from toolchain.plugins.values import plain, struct
from toolchain.plugins.wire import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

__all__ = ["Service"]

DEBUG_VARIABLE = "LLM_GATEWAY_DEBUG_PLUGINS"

Answer = TypeVar("Answer")


def _answered(method: Callable[[Any, Any, Any], Answer]) -> Callable[[Any, Any, Any], Answer]:
    """Turn the errors of a method into the protocol's, so that the user sees a sentence."""

    @functools.wraps(method)
    def answer(self: Any, request: Any, context: Any) -> Answer:
        try:
            return method(self, request, context)
        except NotReadyError as error:
            context.set_trailing_metadata((("grpc-status-details-bin", _not_ready_details(error)),))
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except UnsupportedError as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        except PluginError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except Exception as error:  # noqa: BLE001 - the last place that can tell the user where it broke
            context.abort(grpc.StatusCode.INTERNAL, _defect(error))
        raise AssertionError  # abort() has raised

    return answer


def _not_ready_details(error: NotReadyError) -> bytes:
    details = provider_pb2.ErrorResourceInitFailed(
        id=error.resource_id,
        properties=struct(error.state),
        inputs=struct(error.inputs),
        reasons=[error.reason],
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(details)
    return bytes(status.SerializeToString())


def _defect(error: Exception) -> str:
    """Describe a defect of ours by its place, not by its text: that may hold a value of the program."""
    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"The substitute plugin has a defect: {type(error).__name__} at "
        f"{Path(place.filename).name}:{place.lineno}; set {DEBUG_VARIABLE}=1 to see the whole traceback."
    )


class Service(provider_pb2_grpc.ResourceProviderServicer):
    """Serves one plugin to one engine."""

    def __init__(self, plugin: Plugin) -> None:
        self._plugin = plugin

    @_answered
    def Handshake(self, _request: Any, _context: Any) -> provider_pb2.ProviderHandshakeResponse:
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=False,
            accept_resources=False,
            accept_outputs=False,
            supports_autonaming_configuration=True,
        )

    @_answered
    def GetPluginInfo(self, _request: Any, _context: Any) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._plugin.version)

    @_answered
    def CheckConfig(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:
        failures = self._plugin.check_configuration(plain(request.news))
        return provider_pb2.CheckResponse(inputs=request.news, failures=_wire_failures(failures))

    @_answered
    def DiffConfig(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:
        old, new = plain(request.old_inputs), plain(request.news)
        changed = sorted({str(difference.path[0]) for difference in differences(old, new)})
        return provider_pb2.DiffResponse(
            changes=_changes(changed),
            diffs=changed,
            replaces=self._plugin.configuration_replaced_by(old, new, changed) if changed else [],
        )

    @_answered
    def Configure(self, request: Any, _context: Any) -> provider_pb2.ConfigureResponse:
        prefix = f"{self._plugin.package}:config:"
        self._plugin.configure(
            {name.removeprefix(prefix): value for name, value in request.variables.items()}
        )
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=False, acceptOutputs=False
        )

    @_answered
    def Cancel(self, _request: Any, _context: Any) -> Empty:
        self._plugin.engine.cancelled.set()
        return Empty()

    @_answered
    def Check(self, request: Any, _context: Any) -> provider_pb2.CheckResponse:
        checked = self._plugin.check(
            _subject(request), plain(request.olds), plain(request.news), _naming(request)
        )
        return provider_pb2.CheckResponse(
            inputs=struct(checked.inputs), failures=_wire_failures(checked.failures)
        )

    @_answered
    def Diff(self, request: Any, _context: Any) -> provider_pb2.DiffResponse:
        subject = _subject(request)
        old, new = self._plugin.comparable(
            subject, plain(request.olds), plain(request.old_inputs), plain(request.news)
        )
        found = [each for each in differences(old, new) if not is_ignored(each.path, subject.ignored)]
        replacing = [each for each in found if self._plugin.is_replaced_by(subject, each.path, old, new)]
        return provider_pb2.DiffResponse(
            changes=_changes(found),
            diffs=_top_level(found),
            replaces=_top_level(replacing),
            detailedDiff={dotted(each.path): _wire_difference(each, each in replacing) for each in found},
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(replacing) and self._plugin.is_deleted_first(subject, old, new),
        )

    @_answered
    def Create(self, request: Any, _context: Any) -> provider_pb2.CreateResponse:
        subject, inputs = _subject(request), plain(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(
                properties=struct(self._plugin.preview_create(subject, inputs))
            )
        created = self._plugin.create(subject, inputs)
        return provider_pb2.CreateResponse(id=created.id, properties=struct(created.state))

    @_answered
    def Read(self, request: Any, _context: Any) -> provider_pb2.ReadResponse:
        found = self._plugin.read(_subject(request), plain(request.inputs), plain(request.properties))
        if found is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=found.id, inputs=struct(found.inputs), properties=struct(found.state)
        )

    @_answered
    def Update(self, request: Any, _context: Any) -> provider_pb2.UpdateResponse:
        subject, state, inputs = _subject(request), plain(request.olds), plain(request.news)
        if request.preview:
            previewed = self._plugin.preview_update(subject, inputs, state)
            return provider_pb2.UpdateResponse(properties=struct(previewed))
        updated = self._plugin.update(subject, plain(request.old_inputs), inputs, state)
        return provider_pb2.UpdateResponse(properties=struct(updated))

    @_answered
    def Delete(self, request: Any, _context: Any) -> Empty:
        self._plugin.delete(_subject(request), plain(request.old_inputs), plain(request.properties))
        return Empty()

    @_answered
    def Invoke(self, request: Any, _context: Any) -> provider_pb2.InvokeResponse:
        result = self._plugin.invoke(request.tok, plain(request.args))
        # The field is called `return`, which Python can't name as an argument.
        return provider_pb2.InvokeResponse(**{"return": struct(result)})

    @_answered
    def Construct(self, request: Any, _context: Any) -> provider_pb2.ConstructResponse:
        raise self._plugin.unsupported(f"the component {request.type}")

    @_answered
    def Call(self, request: Any, _context: Any) -> provider_pb2.CallResponse:
        raise self._plugin.unsupported(f"the method {request.tok}")


def _subject(request: Any) -> Subject:
    return Subject(
        urn=request.urn,
        type=request.type,
        name=request.name,
        id=getattr(request, "id", ""),
        timeout_seconds=getattr(request, "timeout", 0) or None,
        ignored=tuple(getattr(request, "ignoreChanges", ())),
    )


def _naming(request: Any) -> Naming:
    if not request.HasField("autonaming"):
        return Naming(NamingMode.OWN, seed=request.randomSeed)
    if request.autonaming.mode == provider_pb2.CheckRequest.AutonamingOptions.DISABLE:
        return Naming(NamingMode.DISABLED)
    return Naming(NamingMode.PROPOSED, proposed=request.autonaming.proposed_name)


def _wire_failures(failures: list[Failure]) -> list[provider_pb2.CheckFailure]:
    # The engine would print the value of a property that it is told: that may be a secret.
    return [provider_pb2.CheckFailure(reason=f"{each.property} {each.reason}") for each in failures]


def _wire_difference(difference: Difference, replacing: bool) -> provider_pb2.PropertyDiff:
    kind = f"{difference.change}_REPLACE" if replacing else str(difference.change)
    return provider_pb2.PropertyDiff(kind=provider_pb2.PropertyDiff.Kind.Value(kind), inputDiff=True)


def _changes(found: list[Any]) -> "provider_pb2.DiffResponse.DiffChanges.ValueType":
    return provider_pb2.DiffResponse.DIFF_SOME if found else provider_pb2.DiffResponse.DIFF_NONE


def _top_level(found: list[Difference]) -> list[str]:
    return sorted({str(difference.path[0]) for difference in found})
