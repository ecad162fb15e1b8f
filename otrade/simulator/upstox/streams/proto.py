"""The messages of Upstox's market data feed v3, as protobuf classes made of a table.

They live in a pool of their own: the vendor's SDK registers the same names in the common one.
"""

from typing import Any, Final

from google.protobuf import descriptor_pb2, message_factory, wrappers_pb2
from google.protobuf.descriptor_pool import DescriptorPool

PACKAGE: Final = "com.upstox.marketdatafeederv3udapi.rpc.proto"

_ENUMS: Final = {
    "Type": ("initial_feed", "live_feed", "market_info"),
    "RequestMode": ("ltpc", "full_d5", "option_greeks", "full_d30"),
    "MarketStatus": (
        "PRE_OPEN_START",
        "PRE_OPEN_END",
        "NORMAL_OPEN",
        "NORMAL_CLOSE",
        "CLOSING_START",
        "CLOSING_END",
    ),
}
# message -> fields as `number name type`; `[]` repeats, `{}` maps from text, `|Name` belongs to
# that oneof
_MESSAGES: Final = {
    "LTPC": "1 ltp double, 2 ltt int64, 3 ltq int64, 4 cp double, 5 iep DoubleValue",
    "Quote": "1 bidQ int64, 2 bidP double, 3 askQ int64, 4 askP double",
    "MarketLevel": "1 bidAskQuote Quote[]",
    "OptionGreeks": "1 delta double, 2 theta double, 3 gamma double, 4 vega double, 5 rho double",
    "OHLC": "1 interval string, 2 open double, 3 high double, 4 low double, 5 close double, 6 vol int64, 7 ts int64",
    "MarketOHLC": "1 ohlc OHLC[]",
    "MarketFullFeed": (
        "1 ltpc LTPC, 2 marketLevel MarketLevel, 3 optionGreeks OptionGreeks, 4 marketOHLC MarketOHLC, 5 atp double,"
        " 6 vtt int64, 7 oi double, 8 iv double, 9 tbq double, 10 tsq double, 11 iep double, 12 rp double, 13 ieq int64,"
        " 14 iiqTotal int64, 15 iiqM int64, 16 casEligible bool"
    ),
    "IndexFullFeed": "1 ltpc LTPC, 2 marketOHLC MarketOHLC",
    "FullFeed": "1 marketFF MarketFullFeed|FullFeedUnion, 2 indexFF IndexFullFeed|FullFeedUnion",
    "FirstLevelWithGreeks": (
        "1 ltpc LTPC, 2 firstDepth Quote, 3 optionGreeks OptionGreeks, 4 vtt int64, 5 oi double, 6 iv double"
    ),
    "Feed": (
        "1 ltpc LTPC|FeedUnion, 2 fullFeed FullFeed|FeedUnion, 3 firstLevelWithGreeks FirstLevelWithGreeks|FeedUnion,"
        " 4 requestMode RequestMode"
    ),
    "StatusInfo": "1 status string, 2 updatedTime int64",
    "MarketInfo": "1 segmentStatus MarketStatus{}, 2 casMarketStatus StatusInfo{}, 3 preOpenSessionStatus StatusInfo{}",
    "FeedResponse": "1 type Type, 2 feeds Feed{}, 3 currentTs int64, 4 marketInfo MarketInfo",
}

_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS: Final = {
    "double": _Field.TYPE_DOUBLE,
    "int64": _Field.TYPE_INT64,
    "string": _Field.TYPE_STRING,
    "bool": _Field.TYPE_BOOL,
}


def _set_type(field: Any, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    elif kind in _ENUMS:
        field.type, field.type_name = _Field.TYPE_ENUM, f".{PACKAGE}.{kind}"
    else:
        field.type = _Field.TYPE_MESSAGE
        field.type_name = (
            f".google.protobuf.{kind}" if kind == "DoubleValue" else f".{PACKAGE}.{kind}"
        )


def _add_field(message: Any, text: str) -> None:
    number, name, kind = text.split()
    kind, _, union = kind.partition("|")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind.endswith("{}"):
        entry = message.nested_type.add(name=f"{name[0].upper()}{name[1:]}Entry")
        entry.options.map_entry = True
        _add_field(entry, "1 key string")
        _add_field(entry, f"2 value {kind[:-2]}")
        field.label, field.type = _Field.LABEL_REPEATED, _Field.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{message.name}.{entry.name}"
        return
    if kind.endswith("[]"):
        field.label = _Field.LABEL_REPEATED
    if union:
        names = [oneof.name for oneof in message.oneof_decl]
        if union not in names:
            message.oneof_decl.add(name=union)
            names.append(union)
        field.oneof_index = names.index(union)
    _set_type(field, kind.removesuffix("[]"))


def _file() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="otrade/upstox_feed.proto", package=PACKAGE, syntax="proto3"
    )
    file.dependency.append("google/protobuf/wrappers.proto")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for text in fields.split(","):
            _add_field(message, text)
    for name, words in _ENUMS.items():
        enum = file.enum_type.add(name=name)
        for number, word in enumerate(words):
            enum.value.add(name=word, number=number)
    return file


def _classes() -> dict[str, Any]:
    pool = DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(_file())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _MESSAGES
    }


_CLASSES: Final = _classes()
Feed: Any = _CLASSES["Feed"]
FeedResponse: Any = _CLASSES["FeedResponse"]
INITIAL_FEED, LIVE_FEED, MARKET_INFO = range(3)


def number_of(enum: str, word: str) -> int:
    """The number of an enum's word."""
    return _ENUMS[enum].index(word)
