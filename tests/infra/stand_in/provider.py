"""The plugin process: `python provider.py SCHEMA.json`, started by Terraform itself.

`python provider.py --serve SOURCE=SCHEMA.json...` serves several, until its standard input ends:
Terraform is told where by TF_REATTACH_PROVIDERS, which is printed, and starts none of its own. Each
plan starts a dozen otherwise, which is most of its time.
"""

# ruff: noqa: N802 - the methods are named by the plugin protocol.

from __future__ import annotations

import base64
import json
import os
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import grpc
from stand_in import schema, values
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import _self_signed_cert


class Provider(rpc.ProviderServicer):  # type: ignore[misc]  # Generated code without types.
    """Answers what the core asks before it would touch anything real."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._resources = document["resources"]
        self._data_sources = document["data_sources"]
        self._schema = schema.response(document)

    def GetMetadata(self, _: Any, __: Any) -> Any:
        message = pb.GetMetadata
        return message.Response(
            resources=[message.ResourceMetadata(type_name=name) for name in self._resources],
            data_sources=[
                message.DataSourceMetadata(type_name=name) for name in self._data_sources
            ],
        )

    def GetProviderSchema(self, _: Any, __: Any) -> Any:
        return self._schema

    def ValidateProviderConfig(self, _: Any, __: Any) -> Any:
        return pb.ValidateProviderConfig.Response()

    def ValidateDataResourceConfig(self, _: Any, __: Any) -> Any:
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, _: Any, __: Any) -> Any:
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, _: Any) -> Any:
        state = pb.DynamicValue(json=request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, _: Any) -> Any:
        return pb.ReadResource.Response(new_state=request.current_state)

    def GetFunctions(self, _: Any, __: Any) -> Any:
        return pb.GetFunctions.Response()

    def StopProvider(self, _: Any, __: Any) -> Any:
        return pb.StopProvider.Response()

    def ValidateResourceConfig(self, request: Any, _: Any) -> Any:
        block = self._resources[request.type_name]["block"]
        wrong = values.not_in_value_set(block, schema.decode(request.config))
        return pb.ValidateResourceConfig.Response(
            diagnostics=[
                pb.Diagnostic(severity=pb.Diagnostic.ERROR, summary=each, detail=request.type_name)
                for each in wrong
            ]
        )

    def PlanResourceChange(self, request: Any, _: Any) -> Any:
        proposed = schema.decode(request.proposed_new_state)
        if proposed is None or schema.decode(request.prior_state) is not None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        block = self._resources[request.type_name]["block"]
        planned = schema.rewrite(block, proposed, _unknown_if_computed)
        return pb.PlanResourceChange.Response(
            planned_state=schema.encode(planned), legacy_type_system=True
        )

    def ReadDataSource(self, request: Any, _: Any) -> Any:
        name = request.type_name

        def made_up(key: str, attribute: dict[str, Any], value: Any) -> Any:
            if value is not None or not attribute.get("computed"):
                return value
            return values.fill(attribute, schema.UNKNOWN, key, name)

        block = self._data_sources[name]["block"]
        config = schema.decode(request.config)
        state = schema.rewrite(block, config, made_up) | values.KNOWN_DATA.get(name, {})
        if name == "aws_iam_policy_document":
            state["json"] = state["minified_json"] = values.policy_document(state)
        return pb.ReadDataSource.Response(state=schema.encode(state))


def _unknown_if_computed(_: str, attribute: dict[str, Any], value: Any) -> Any:
    is_computed = attribute.get("computed") and "nested_type" not in attribute
    return schema.UNKNOWN if value is None and is_computed else value


class Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]  # Generated.
    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped

    def Shutdown(self, _: Any, __: Any) -> Any:
        self._stopped.set()
        return grpc_controller_pb2.Empty()


class Output(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]  # Generated.
    def StreamStdio(self, _: Any, __: Any) -> Any:
        return iter([])


def server_of(schema_file: str, stopped: threading.Event) -> Any:
    document = json.loads(Path(schema_file).read_text(encoding="utf-8"))
    limits = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=limits)
    rpc.add_ProviderServicer_to_server(Provider(document), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(Controller(stopped), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(Output(), server)
    return server


def serve(providers: list[str]) -> None:
    """Several of them, for whoever is told; a stop that Terraform asks for is none here."""
    told: dict[str, Any] = {}
    servers = []
    with tempfile.TemporaryDirectory() as folder:
        for each in providers:
            source, schema_file = each.split("=")
            place = f"{folder}/{source.split('/')[1]}.sock"
            server = server_of(schema_file, threading.Event())
            server.add_insecure_port(f"unix://{place}")  # In a folder that only we may enter.
            server.start()
            servers.append(server)
            told[f"registry.terraform.io/{source}"] = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": os.getpid(),
                "Test": True,
                "Addr": {"Network": "unix", "String": place},
            }
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
        for server in servers:
            server.stop(0.1)


def main() -> None:
    if sys.argv[1] == "--serve":
        serve(sys.argv[2:])
        return
    stopped = threading.Event()
    server = server_of(sys.argv[1], stopped)
    with tempfile.TemporaryDirectory() as folder:
        certificate, credentials = _self_signed_cert()
        server.add_secure_port(f"unix://{folder}/provider.sock", credentials)
        server.start()
        chain = base64.b64encode(certificate).decode().rstrip("=")
        sys.stdout.write(f"1|6|unix|{folder}/provider.sock|grpc|{chain}\n")
        sys.stdout.flush()
        stopped.wait()
        server.stop(0.1)


if __name__ == "__main__":
    main()
