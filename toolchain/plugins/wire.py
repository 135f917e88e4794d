"""The generated protocol modules of the Pulumi SDK, without the SDK.

``import pulumi`` takes half a second, which every preview would pay once per plugin; the generated modules
need nothing of it. To a type checker they are what they are: ``pulumi.runtime.proto``.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from toolchain.plugins.launch import bare_package

__all__ = ["engine_pb2", "engine_pb2_grpc", "plugin_pb2", "provider_pb2", "provider_pb2_grpc", "status_pb2"]

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )
else:
    _sdk = find_spec("pulumi")
    bare_package("pulumi_protocol", Path(_sdk.submodule_search_locations[0]) / "runtime" / "proto")
    engine_pb2 = import_module("pulumi_protocol.engine_pb2")
    engine_pb2_grpc = import_module("pulumi_protocol.engine_pb2_grpc")
    plugin_pb2 = import_module("pulumi_protocol.plugin_pb2")
    provider_pb2 = import_module("pulumi_protocol.provider_pb2")
    provider_pb2_grpc = import_module("pulumi_protocol.provider_pb2_grpc")
    status_pb2 = import_module("pulumi_protocol.status_pb2")
