"""Object traffic is carried through: every client reads what it wrote, under the same key."""

import pytest

from tests.clients.configuration import SOURCE

pytestmark = pytest.mark.client

BODY = b"key,size\r\n\x00\xff" * 40


def test_an_object_comes_back_as_it_went(client, stage, request):
    """Put, get, list and delete under a key that normalisers would spoil."""
    key = f"{request.node.callspec.id}/2026 (1)/a+b & %2F ü~*'!.txt"
    client.put_object(SOURCE, key, BODY)
    assert stage.emulator.buckets[SOURCE].objects[key].body == BODY
    assert client.get_object(SOURCE, key) == BODY
    assert client.list_objects(SOURCE, key[:-4]) == [key]
    client.delete_object(SOURCE, key)
    assert key not in stage.emulator.buckets[SOURCE].objects
    assert client.list_objects(SOURCE, key[:-4]) == []
