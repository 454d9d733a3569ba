"""Values come back as they were sent; what cannot be kept exactly is refused. And the rules of keys."""

import pytest
from google.protobuf import struct_pb2

from rig.client import INVALID, refused
from rig.values import (bits, from_value, nested_lists, nested_objects,
                        string_value_of_size, to_value)

KIB_64 = ("65536", "65,536", "64 KiB")


def round_trip(client, run, value):
    """The value as each way of reading returns it; all ways must agree."""
    message = client.publish(run, "k", value)
    read = client.get_all(run)[-1].value
    assert read == message.value
    return from_value(read)


@pytest.mark.parametrize("value", [
    None, True, False, 0, 1.5, "", "text", [], {}, [None, True, 1, "a", [], {}],
    {"": 0}, {"a": {"b": [1, {"c": None}]}}, "é 漢字 🙂 \u200b", "\n\r\t\x01\x7f", "\0", "a\0b\0", {"a\0b": "c\0d"},
    "\\u0000", "'; DROP TABLE messages; --", "\ufeffbom", ["e\u0301", "\u00e9"],
], ids=repr)
def test_values_come_back_as_sent(client, new_run, value):
    assert round_trip(client, new_run(), value) == value


def test_a_bool_stays_a_bool_and_a_number_a_number(client, new_run):
    run = new_run()
    assert client.publish(run, value=True).value.WhichOneof("kind") == "bool_value"
    assert client.publish(run, value=1).value.WhichOneof("kind") == "number_value"


@pytest.mark.parametrize("number", [
    0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 0.1 + 0.2, 1e23,
    2.0**53 - 1, 2.0**53, 2.0**53 + 2, float(2**63), -float(2**63), 1 / 3, 123456789.123456789, 4.35, 1e-7,
], ids=repr)
def test_numbers_come_back_bit_for_bit(client, new_run, number):
    for wrap, unwrap in ((lambda n: n, lambda v: v), (lambda n: [{"n": n}], lambda v: v[0]["n"])):
        assert bits(unwrap(round_trip(client, new_run(), wrap(number)))) == bits(number)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")], ids=str)
@pytest.mark.parametrize("wrap", [lambda n: n, lambda n: [1, n], lambda n: {"a": {"b": n}}],
                         ids=["bare", "in-array", "in-object"])
def test_numbers_that_are_not_finite_are_refused(client, new_run, number, wrap):
    with refused(INVALID, "value", "finite"):
        client.publish(new_run(), value=wrap(number))


@pytest.mark.parametrize("nest", [nested_lists, nested_objects])
def test_a_depth_of_32_is_kept(client, new_run, nest):
    assert round_trip(client, new_run(), nest(32)) == nest(32)


@pytest.mark.parametrize("nest", [nested_lists, nested_objects])
def test_a_depth_of_33_is_refused(client, new_run, nest):
    with refused(INVALID, "value", "32"):
        client.publish(new_run(), value=nest(33))


def test_depth_counts_arrays_and_objects_together(client, new_run):
    assert round_trip(client, new_run(), nested_lists(16, nested_objects(16)))
    with refused(INVALID, "value", "32"):
        client.publish(new_run(), value=nested_lists(17, nested_objects(16)))


def test_the_deepest_place_counts_wherever_it_is(client, new_run):
    with refused(INVALID, "value", "32"):
        client.publish(new_run(), value=[1, {"a": [], "b": nested_lists(31)}, 2])


def test_a_nested_value_without_a_kind_is_refused(client, new_run):
    in_list, in_object = to_value([1]), to_value({"a": 1})
    in_list.list_value.values.add()
    in_object.struct_value.fields["b"].SetInParent()
    in_object.struct_value.fields["b"].CopyFrom(struct_pb2.Value())
    deep = to_value({"a": [in_list]})
    for value in (in_list, in_object, deep):
        with refused(INVALID, "value"):
            client.publish(new_run(), value=value)


def test_a_value_of_64_kib_is_kept(client, new_run):
    value = string_value_of_size(65536)
    assert client.get_all(client.publish(new_run(), value=value).run_id)[0].value == value


def test_a_value_one_byte_larger_is_refused(client, new_run):
    with refused(INVALID, "value", KIB_64):
        client.publish(new_run(), value=string_value_of_size(65537))


def test_a_much_larger_value_is_refused_the_same_way(client, new_run):
    with refused(INVALID, "value", KIB_64):
        client.publish(new_run(), value=string_value_of_size(900_000))


def test_a_wide_value_is_kept(client, new_run):
    value = {f"layer.{i}": [i, i / 7] for i in range(1500)}
    assert to_value(value).ByteSize() < 65536
    assert round_trip(client, new_run(), value) == value


@pytest.mark.parametrize("key", [
    "k", "learning-rate", "a b", "x" * 128, "é" * 64, "漢字/🙂", "UPPER.lower_0", "-leading", "'quote\"",
    "{}", "%s", "\\",
], ids=repr)
def test_keys_are_kept_byte_for_byte(client, new_run, key):
    run = new_run()
    message = client.publish(run, key)
    assert message.key == key
    assert client.get(run, key).message == message
    assert client.get_all(run, keys=[key]) == [message]


@pytest.mark.parametrize("key", ["x" * 129, "é" * 64 + "x", "漢" * 43], ids=["129", "2-byte", "3-byte"])
def test_a_key_over_128_bytes_is_refused(client, new_run, key):
    with refused(INVALID, "key", "128"):
        client.publish(new_run(), key)


@pytest.mark.parametrize("key", ["", " ", " a", "a ", "\ta", "a\n", "a\0b", "\0", "a\x1fb", "a\x7fb",
                                 "a\u0085b", "\rx"], ids=repr)
def test_keys_with_control_characters_or_outer_blanks_are_refused(client, new_run, key):
    with refused(INVALID, "key"):
        client.publish(new_run(), key)


def test_keys_are_compared_by_their_bytes(client, new_run):
    run = new_run()
    for message in [client.publish(run, key) for key in ("\u00e9", "e\u0301", "\u00c9")]:
        assert client.get(run, message.key).message == message
        assert client.get(run, message.key).pending_count == 1


def test_replies_follow_the_rules_of_values(client, new_run):
    run = new_run()
    for reply in ("a\0b", -0.0, 5e-324, nested_objects(32), {"k": [None, {}]}):
        message = client.ack(client.publish(run), outcome=1, reply=reply).message
        assert message.reply == to_value(reply)
    assert bits(client.message(client.publish(run, value=-0.0)).value.number_value) == bits(-0.0)
    target = client.publish(run)
    for bad in (float("nan"), nested_lists(33)):
        with refused(INVALID, "reply"):
            client.ack(target, outcome=1, reply=bad)
    assert client.message(target).state == target.state
