from typing import Any

from _typeshed import ReadableBuffer

from otrade._core.codecs.interface import OrderEncoder

COMMAND_BYTES: int

class UpstoxEncoder(OrderEncoder):
    def __init__(
        self, host: bytes, path_prefix: bytes, authorization: bytes, algo_name: bytes = b""
    ) -> None: ...
    def set_authorization(self, authorization: bytes) -> None: ...

def decode_frame(frame: bytes | bytearray | memoryview) -> list[dict[str, Any]]: ...
def count_packets(frame: bytes | bytearray | memoryview) -> int | None: ...
def encode_command(encoder: UpstoxEncoder, command: ReadableBuffer) -> bytes: ...
