"""The structured log on a binary stream: one JSON line per event, never a secret, never a fault.

It is a copy. What must not be lost is in the journal; a collector that went away costs lines here,
which are counted, and nothing else.
"""

import asyncio
import io
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO, Final
from urllib.parse import unquote

import orjson
import structlog

from gateway.core.ports import CACHE_HIT, Clock, DecisionRecord, Outcome

PATH: Final = "inventory/main/decision"
MASK: Final = "***"
_MAX_TEXT: Final = 8192  # characters of one string
_MAX_DEPTH: Final = 16
_MAX_ITEMS: Final = 1000  # of one list or mapping
_MAX_OPENED: Final = 64  # lists and mappings of a nested event that is not walked
_FRAMES: Final = 30  # of a traceback, innermost last
_RESERVED: Final = frozenset({"event", "level"})
_SECRET_WORDS: Final = (
    "authorization cookie credentials passphrase password secret securitytoken sessiontoken "
    "signature"
).split()
_SECRET_NAMES: Final = frozenset({"token", "xamzcredential"})
#: `name=value` at the start of a word, as in queries and in Authorization headers. The look-behind
#: and the possessive quantifiers keep the search linear on hostile text.
_PAIR: Final = re.compile(r"""(?<![^\s?&;,"'])([^\s?&;,"'=]++)=([^\s&;,"']++)""")
#: One of these is in every secret name; a letter or a dash may come percent-encoded.
_TELLING: Final = re.compile(
    rb"authorization|cookie|credential|pass|secret|signature|token|%2d|%[4-7]"
)
_NAME_END: Final = 64  # bytes; no name that S3 knows is longer
_UNTIDY: Final = re.compile(rb"\x7f|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")
_PLAIN: Final = frozenset({bool, int, float, datetime})
_MAX_INTEGER: Final = 2**63 - 1
_OPTIONS: Final = orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class StructlogEventLog:
    """Events as JSON lines.

    Args:
        clock: the time of events that bring none.
        stream: where lines go; standard output unless given. What is logged in one turn of the
            event loop is flushed together at its end.
        level: `debug`, `info`, `warning` or `error`: access events (`info`) and faults (`error`)
            below it are left out. Decisions are records and are always written.
        labels: what names this gateway in each decision, such as app, id and version.
        trace_id: of the request in hand, for each line; empty where there is none.

    Raises:
        ValueError: no such level.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        stream: BinaryIO | None = None,
        level: str = "info",
        labels: Mapping[str, str] = _NOTHING,
        trace_id: Callable[[], str] | None = None,
    ) -> None:
        if level not in structlog.processors.NAME_TO_LEVEL:
            raise ValueError(f"no log level {level!r}")
        self._clock = clock
        self._labels = dict(labels)
        self.trace_id = trace_id
        self._lines = _Lines(stream or _standard_output())
        self.level = level
        self._records = self._bind(logging.NOTSET)

    @property
    def level(self) -> str:
        """The least level of access events and faults; it may be set at run time."""
        return self._level

    @level.setter
    def level(self, level: str) -> None:
        self._events = self._bind(structlog.processors.NAME_TO_LEVEL[level])
        self._level = level

    @property
    def lost(self) -> int:
        """How many lines could not be written."""
        return self._lines.lost

    def decision(self, record: DecisionRecord, outcome: Outcome) -> None:
        """Log a decision in the field names of OPA's decision log."""
        fields: dict[str, object] = {
            "decision_id": record.decision_id,
            "timestamp": record.timestamp,
            "labels": self._labels,
            "bundles": {**_bundles(record), "org": {"revision": record.revision}},
            "path": PATH,
            "input": record.input,
            "result": record.result,
            "requested_by": record.principal,
            "req_id": record.request_id,
            "metrics": {**record.metrics, **outcome.metrics},
            "custom": {
                "outcome": outcome.kind,
                "s3_status": outcome.s3_status,
                "upstream_request_id": outcome.upstream_request_id,
                "body_sha256": record.document_sha256,
                "cache": "hit" if record.metrics.get(CACHE_HIT) else "",
            },
        }
        if record.error:
            fields["error"] = record.error
        self._write(self._records.info, "decision", fields)

    def access(self, event: Mapping[str, object]) -> None:
        """Log the end of a request."""
        self._write(self._events.info, "access", event)

    def fault(self, message: str, *, level: str = "error", **fields: object) -> None:
        """Log a fault: a `warning` in one line, an `error` with the exception in flight."""
        problem = sys.exception()
        if problem is not None and level == "error":
            fields["exception"] = type(problem).__name__
            trace = "".join(traceback.format_exception(problem, limit=-_FRAMES))
            fields["stack"] = trace[-_MAX_TEXT:]  # what matters stands at its end
        self._write(getattr(self._events, level), message, fields)

    def _bind(self, level: int) -> structlog.typing.FilteringBoundLogger:
        logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            self._lines,
            processors=[self._line],
            wrapper_class=structlog.make_filtering_bound_logger(level),
            cache_logger_on_first_use=True,
        ).bind()
        return logger

    def _write(self, emit: Any, name: str, fields: Mapping[str, object]) -> None:
        try:
            emit(name, fields=fields)  # as one: structlog would copy them four times
        except Exception:  # noqa: BLE001 - a field that cannot be read: the gateway goes on
            self._lines.lost += 1

    def _line(self, _logger: object, level: str, event: MutableMapping[str, Any]) -> bytes:
        """The one processor: name, level and time of the event, as JSON."""
        fields: Mapping[str, Any] = event["fields"]
        if not _RESERVED.isdisjoint(fields):
            fields = {f"{key}_" if key in _RESERVED else key: fields[key] for key in fields}
        named = {**fields, "event": event["event"], "level": level}
        if self.trace_id is not None:
            trace_id = self.trace_id()
            if trace_id:
                named["trace_id"] = trace_id
        if "timestamp" not in named:
            named["timestamp"] = self._clock()
        return _render(named)


def _standard_output() -> BinaryIO:
    """With a buffer: under PYTHONUNBUFFERED, as images set it, every line is a system call."""
    stream: BinaryIO = sys.stdout.buffer
    if isinstance(stream, io.RawIOBase):
        return open(stream.fileno(), "wb", closefd=False)
    return stream


def _bundles(record: DecisionRecord) -> Mapping[str, object]:
    """What the engine said of its bundles, at the place where OPA's own log has it."""
    provenance = record.result.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, Mapping) else None
    return bundles if isinstance(bundles, Mapping) else {}


class _Lines:
    """A binary stream, in which a turn of the event loop costs one flush, however much it logs.

    Args:
        stream: takes the lines.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting = 0  # lines written since the last flush
        self._turn: asyncio.AbstractEventLoop | None = None  # the loop that will flush them
        self.lost = 0  # lines that could not be written

    def info(self, line: bytes) -> None:
        """Write a line: now where no loop runs, else with the others of this turn."""
        self._stream.write(line + b"\n")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._flush()
            return
        if self._turn is not loop:
            self._turn = loop
            loop.call_soon(self._flush)

    debug = warning = error = info

    def _flush(self) -> None:
        waiting, self._waiting, self._turn = self._waiting, 0, None
        try:
            self._stream.flush()
        except (OSError, ValueError):  # EPIPE, ENOSPC, a closed stream: the gateway goes on
            self.lost += waiting


def _render(event: dict[str, Any]) -> bytes:
    """JSON, in which nothing secret or unbounded is left.

    Most events have nothing to mask: harmless field names, little nesting, no telling `name=value`.
    Those are recognised by what they look like as JSON, which is cheaper than walking them.
    """
    try:
        line = orjson.dumps(event, option=_OPTIONS)
    except TypeError:
        pass  # bytes, a lone surrogate: walk it
    else:
        if len(line) <= _MAX_TEXT and _is_plain(event, line) and not _is_telling(line):
            return _on_one_line(line)
    cleaned = _clean_mapping(event, 0)
    try:
        return _on_one_line(orjson.dumps(cleaned, option=_OPTIONS))
    except TypeError:
        return _on_one_line(orjson.dumps(_spelled_out(cleaned), option=_OPTIONS))


def _is_plain(event: dict[str, Any], line: bytes) -> bool:
    """Whether no member's name is one to mask, at whatever depth; says no too often.

    Where nothing is escaped, every second part between quotes is a string, and a name is one that
    a colon follows.
    """
    opened = line.count(b"{")
    if opened == 1:
        return _are_harmless(tuple(event))
    if b"\\" in line or opened + line.count(b"[") > _MAX_OPENED:
        return False
    parts = line.decode().split('"')
    followed = zip(parts[1::2], parts[2::2], strict=True)
    return _are_harmless(tuple(name for name, after in followed if after.startswith(":")))


def _is_telling(line: bytes) -> bool:
    """Whether it may hold a pair to mask; says yes too often rather than too rarely."""
    if b"=" not in line:
        return False
    ends = [part[-_NAME_END:] for part in line.split(b"=")[:-1]]  # of the text before each `=`
    return _TELLING.search(b" ".join(ends).lower()) is not None


def _on_one_line(line: bytes) -> bytes:
    """Escape what JSON may carry as it is, but some readers take for an end of line or a command.

    DEL, the C1 controls, U+2028 and U+2029; outside of strings JSON has none of them.
    """
    if line.isascii() and b"\x7f" not in line:
        return line
    return _UNTIDY.sub(lambda found: f"\\u{ord(found[0].decode()):04x}".encode(), line)


@lru_cache(maxsize=256)
def _are_harmless(names: tuple[str, ...]) -> bool:
    return not any(map(_is_secret, names))


def _clean_mapping(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    cleaned = {}
    for key, item in value.items():
        name = key if type(key) is str else _as_text(key)
        if _is_secret(name):
            cleaned[name] = MASK
        elif type(item) is str:
            cleaned[name] = item if len(item) <= _MAX_TEXT and "=" not in item else _text(item)
        elif item is None or type(item) in _PLAIN:
            cleaned[name] = item
        else:
            cleaned[name] = _clean(item, depth + 1)
        if len(cleaned) > _MAX_ITEMS:
            break
    return cleaned


def _clean(value: Any, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        return "..."
    match value:
        case None | bool() | int() | float() | datetime():
            return value
        case str():
            return _text(str(value))
        case Mapping():
            return _clean_mapping(value, depth)
        case list() | tuple() | set() | frozenset():
            return [_clean(item, depth + 1) for item in islice(value, _MAX_ITEMS)]
        case _:
            return _text(_as_text(value))


def _text(value: str) -> str:
    """Cut, then mask the values of telling names in queries and header values."""
    return _PAIR.sub(_mask_pair, value[:_MAX_TEXT])


def _mask_pair(pair: re.Match[str]) -> str:
    return f"{pair[1]}={MASK}" if _is_secret(pair[1]) else pair[0]


@lru_cache(maxsize=4096)
def _is_secret(name: str) -> bool:
    """Whether a field, header or parameter of this name holds something to keep."""
    # S3 reads a parameter's name after decoding it: `X-Amz-%53ignature` is a signature too.
    plain = re.sub("[^a-z]", "", unquote(name[:256]).lower())
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value[:_MAX_TEXT]).decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - a broken __str__ must not cost the line
        return f"<{type(value).__name__}>"


def _spelled_out(value: Any) -> Any:
    """What JSON cannot carry (a lone surrogate, a huge integer), in characters."""
    match value:
        case dict():
            return {_spelled_out(key): _spelled_out(item) for key, item in value.items()}
        case list():
            return [_spelled_out(item) for item in value]
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case int() if abs(value) > _MAX_INTEGER:
            return f"{value:#x}"[:_MAX_TEXT]
        case _:
            return value
