"""google.protobuf.Value from and to plain Python, and the timestamps beside it."""

import struct

from google.protobuf import duration_pb2, struct_pb2


def to_value(content):
    """Makes a Value of plain Python; a Value stays as it is, a key may hold any string."""
    if isinstance(content, struct_pb2.Value):
        return content
    value = struct_pb2.Value()
    if content is None:
        value.null_value = struct_pb2.NULL_VALUE
    elif isinstance(content, bool):
        value.bool_value = content
    elif isinstance(content, (int, float)):
        value.number_value = content
    elif isinstance(content, str):
        value.string_value = content
    elif isinstance(content, (list, tuple)):
        value.list_value.SetInParent()
        value.list_value.values.extend(to_value(item) for item in content)
    else:
        value.struct_value.SetInParent()
        for key, item in content.items():
            value.struct_value.fields[key].CopyFrom(to_value(item))
    return value


def from_value(value):
    kind = value.WhichOneof("kind")
    assert kind is not None, "a Value without a kind"
    if kind == "null_value":
        return None
    if kind == "list_value":
        return [from_value(item) for item in value.list_value.values]
    if kind == "struct_value":
        return {key: from_value(item) for key, item in value.struct_value.fields.items()}
    return getattr(value, kind)


def bits(number):
    return struct.pack("<d", number)


def nested_lists(depth, scalar=1):
    for _ in range(depth):
        scalar = [scalar]
    return scalar


def nested_objects(depth, scalar=1):
    for _ in range(depth):
        scalar = {"k": scalar}
    return scalar


def string_value_of_size(size):
    """A string Value of exactly `size` bytes serialized."""
    for header in (2, 3, 4, 5):  # One byte of tag, and the length of the string.
        value = to_value("x" * (size - header))
        if value.ByteSize() == size:
            return value
    raise ValueError(f"no string takes exactly {size} bytes")


def seconds(span):
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(span * 1e9))
    return duration


def instant(timestamp):
    """Seconds since the epoch, for comparison with time.time()."""
    return timestamp.seconds + timestamp.nanos / 1e9
