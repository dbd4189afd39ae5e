"""The configuration in the shape of boto3 and the AWS CLI, read as strictly as a document.

There is one set of rules for the members of a configuration, that of the document. So a shape is
put on the wire first, as an SDK would, and then read like anybody's document.
"""

import re
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import InventoryConfiguration
from gateway.core.inventory.document import S3_NAMESPACE, read_configuration

#: What the model of the API calls otherwise than the wire does.
WIRE_NAMES: Final = {"SSES3": "SSE-S3", "SSEKMS": "SSE-KMS"}
#: https://docs.aws.amazon.com/AmazonS3/latest/API/API_InventoryConfiguration.html
_ITEM: Final = "Field"
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,64}", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_MAX_DEPTH: Final = 8


class ShapeError(ValueError):
    """It is no configuration; the text says where and why."""


def read_shape(shape: object) -> InventoryConfiguration:
    """Read a configuration in boto3's shape.

    Args:
        shape: as JSON or YAML gave it.

    Raises:
        ShapeError: an SDK would not send it, or S3 would not take it.
    """
    if not isinstance(shape, Mapping):
        raise ShapeError("a configuration must be an object")
    inner = "".join(wire_element(str(name), value) for name, value in shape.items())
    root = "InventoryConfiguration"
    try:
        return read_configuration(f'<{root} xmlns="{S3_NAMESPACE}">{inner}</{root}>'.encode())
    except RequestError as fault:
        # S3's sentence is about XML, which nobody has written here; what follows it is ours.
        raise ShapeError(fault.message.partition(" schema: ")[2] or fault.message) from fault


def wire_element(name: str, value: object, prefix: str = "", depth: int = 0) -> str:
    """Write a member as an SDK puts it on the wire.

    Args:
        name: in boto3's shape.
        value: likewise.
        prefix: of the namespace, with its colon, where the document uses one.
        depth: of the elements around it.

    Raises:
        ShapeError: no SDK could send it.
    """
    if _NAME.fullmatch(name) is None or depth > _MAX_DEPTH:
        raise ShapeError(f"there is no member {name[:64]!r}")
    match value:
        case bool():
            inner = "true" if value else "false"
        case str():
            if _CONTROL.search(value):
                raise ShapeError(f"{name} holds a control character")
            inner = escape(value)
        case Mapping():
            inner = "".join(
                wire_element(str(key), item, prefix, depth + 1) for key, item in value.items()
            )
        case list():
            inner = "".join(wire_element(_ITEM, item, prefix, depth + 1) for item in value)
        case _:
            raise ShapeError(f"{name} must be text, true or false, a list or an object")
    tag = prefix + WIRE_NAMES.get(name, name)
    return f"<{tag}>{inner}</{tag}>"
