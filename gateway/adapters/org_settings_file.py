"""The organisation's policy settings: a YAML file, checked against the catalogue that it is for.

Everything that is wrong is said at once, by file and line. What is right becomes policy data.
YAML is read by the core schema of version 1.2, as most people believe it to be: `off`, `on`, `yes`
and `no` are words (`mode: off` is a mode), a date is a text, and nothing but digits is a number.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson
import yaml

from gateway.core.policy.exemption import Exemption
from gateway.core.policy.instant import read_instant
from gateway.core.policy.settings_schema import Schema, as_data, settings_schema

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

_MAX_BYTES: Final = 1024 * 1024
_MAX_PROBLEMS: Final = 50
_MAX_WORD: Final = 60
_DIGEST: Final = 8
_RULES: Final = ("org", "inventory", "rules")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_KINDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "a string",
    "integer": "a whole number",
    "boolean": "true or false",
}

#: All of them say the same of a text that has a format.
_TEXTUAL: Final = frozenset({"pattern", "not", "maxLength"})
_MISFIT: Final = "does not fit; see the schema"
_EMPTY: Final = "must not be empty"
_LONG: Final = "too long; {limit} at most"
_WORDS: Final = {
    "format": "must be a time with its zone (RFC 3339), as in 2027-01-01T00:00:00Z",
    "minItems": _EMPTY,
    "minProperties": _EMPTY,
    "minLength": _EMPTY,
    "maxItems": _LONG,
    "maxProperties": _LONG,
    "maxLength": _LONG,
    "minimum": "must be at least {limit}",
    "maximum": "must be at most {limit}",
    "uniqueItems": "names something twice",
}

Place = tuple[str | int, ...]
_Stamp = tuple[int, int, int] | None


class OrgSettingsError(ValueError):
    """The settings cannot be used.

    Args:
        problems: each as `file:line: what`.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(("the policy settings cannot be used:", *problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """What the organisation has written, checked.

    Args:
        data: `data.org` for the policy engine, times in nanoseconds included.
        revision: as written, with a digest of the data: who forgets to raise it is found out.
        exemptions: in the order of the file.
    """

    data: Mapping[str, Any]
    revision: str
    exemptions: tuple[Exemption, ...]


class OrgSettingsFile:
    """Reads one file, as often as it changes.

    Args:
        path: the YAML file.
        catalog: `data.inventory.catalog` of the bundle, raw: the rules and their parameters.

    Raises:
        OrgSettingsError: the catalogue describes parameters in a way that nobody can check.
    """

    def __init__(self, path: Path, catalog: Mapping[str, Schema]) -> None:
        self.path = path
        # 3 MiB that a gateway without settings of its organisation should not pay for.
        from jsonschema import Draft202012Validator  # noqa: PLC0415
        from jsonschema.exceptions import SchemaError  # noqa: PLC0415

        self._catalog = catalog
        try:
            self._schema = settings_schema(catalog)
            Draft202012Validator.check_schema(self._schema)
        except (ValueError, SchemaError) as fault:
            raise OrgSettingsError([f"the catalogue cannot be used: {fault}"]) from fault
        self._validator = Draft202012Validator(self._schema, format_checker=_formats())
        self._stamp: _Stamp = None

    def changed(self) -> tuple[object, ...]:
        """What the file looks like, by one stat call; empty where the last `read` saw the same."""
        stamp = _stamp(self.path)
        return () if stamp == self._stamp else (stamp,)

    def read(self) -> OrgSettings:
        """Read the file.

        Raises:
            OrgSettingsError: every problem at once.
        """
        # A bad file, one that cannot be opened, too, is reported once, not at every look. What is
        # written after this line is seen as another change, though it may have been read.
        self._stamp = _stamp(self.path)
        document = _Document(self.path.name, self._text())
        problems = _Problems(document)
        if not document.problems:
            for error in self._validator.iter_errors(document.value):
                problems.add_all(_explained(error))
        if problems.none:
            problems.add_all(_missing_parameters(document.value["org"], self._catalog))
            problems.add_all(_repeated_ids(document.value["org"]))
        if not problems.none:
            raise OrgSettingsError(problems.lines)
        data = as_data(document.value, self._schema)["org"]
        digest = sha256(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)).hexdigest()
        data["revision"] += f"+{digest[:_DIGEST]}"
        exemptions = tuple(Exemption.from_data(entry) for entry in data.get("exemptions", ()))
        return OrgSettings(data, data["revision"], exemptions)

    def _text(self) -> str:
        try:
            # An opener: of a folder, `os.fdopen` would leave the descriptor open for ever.
            with open(self.path, "rb", opener=_at_once) as file:
                self._check(os.fstat(file.fileno()))
                raw = file.read(_MAX_BYTES + 1)
        except OSError as fault:
            raise OrgSettingsError([f"{self.path}: {fault.strerror}"]) from fault
        if len(raw) > _MAX_BYTES:
            raise OrgSettingsError([f"{self.path}: larger than {_MAX_BYTES} bytes"])
        try:
            return raw.decode("utf-8-sig")
        except UnicodeDecodeError as fault:
            line = raw.count(b"\n", 0, fault.start) + 1
            raise OrgSettingsError([f"{self.path.name}:{line}: not UTF-8"]) from fault

    def _check(self, status: os.stat_result) -> None:
        """Whoever may write the file may switch off every rule."""
        if not stat.S_ISREG(status.st_mode):
            raise OrgSettingsError([f"{self.path}: not a regular file"])
        if status.st_mode & stat.S_IWOTH:
            mode = stat.S_IMODE(status.st_mode)
            what = f"mode {mode:04o} lets everybody write; chmod o-w"
            raise OrgSettingsError([f"{self.path}: {what}"])


def _formats() -> "FormatChecker":
    from jsonschema import FormatChecker  # noqa: PLC0415 - see OrgSettingsFile

    formats = FormatChecker(formats=())
    formats.checks("date-time")(
        lambda text: type(text) is not str or read_instant(text) is not None
    )
    return formats


class _Problems:
    """What is wrong, in the order of the file, each thing once."""

    def __init__(self, document: "_Document") -> None:
        self._document = document
        self._found = set(document.problems)

    @property
    def none(self) -> bool:
        return not self._found

    def add_all(self, found: Iterator[tuple[Place, str]]) -> None:
        self._found.update((self._document.line(place), what) for place, what in found)

    @property
    def lines(self) -> list[str]:
        found = [f"{self._document.name}:{line}: {what}" for line, what in sorted(self._found)]
        more = len(found) - _MAX_PROBLEMS
        return [*found[:_MAX_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]


class _Document:
    """YAML as plain values, with the line of every one.

    Args:
        name: of the file.
        text: of the file.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.value: Any = None
        self.problems: list[tuple[int, str]] = []
        self._lines: dict[Place, int] = {}
        loader: _Loader | None = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            self.value = None if node is None else self._plain(node, ())
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark or fault.context_mark
            what = fault.problem if isinstance(fault, _Refused) else "not plain YAML"
            self.problems.append((mark.line + 1 if mark else 1, what or "not plain YAML"))
        except yaml.reader.ReaderError as fault:
            line = text.count("\n", 0, fault.position) + 1
            self.problems.append((line, "a character that YAML does not take"))
        except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a tag's bad escape
            self.problems.append((1, "not plain YAML"))
        finally:
            if loader is not None:
                loader.dispose()

    def line(self, place: Place) -> int:
        """The line of a value, or of the nearest one around it."""
        while place not in self._lines and place:
            place = place[:-1]
        return self._lines.get(place, 1)

    def _plain(self, node: yaml.Node, place: Place) -> Any:
        self._lines.setdefault(place, node.start_mark.line + 1)
        match node:
            case yaml.MappingNode(tag="tag:yaml.org,2002:map"):
                return self._mapping(node, place)
            case yaml.SequenceNode(tag="tag:yaml.org,2002:seq"):
                items = enumerate(node.value)
                return [self._plain(item, (*place, index)) for index, item in items]
            case yaml.ScalarNode():
                return self._scalar(node)
            case _:
                raise _Refused("tags are not taken", node.start_mark)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused("the name of a member must be a word", key.start_mark)
            name = _checked(key)
            if name in found:
                raise _Refused(f"{_quoted(name)} is given twice", key.start_mark)
            self._lines[(*place, name)] = key.start_mark.line + 1
            found[name] = self._plain(value, (*place, name))
        return found

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text = _checked(node)
        match node.tag.removeprefix("tag:yaml.org,2002:"):
            case "str":
                return text
            case "null":
                return None
            case "bool" if text in {"true", "false"}:
                return text == "true"
            case "int" if _INTEGER.fullmatch(text):
                return int(text)
            case _:
                raise _Refused("tags are not taken", node.start_mark)


class _Refused(yaml.MarkedYAMLError):
    """YAML, but not plain: the words are ours."""

    def __init__(self, what: str, mark: yaml.Mark) -> None:
        super().__init__(problem=what, problem_mark=mark)


class _Loader(yaml.SafeLoader):
    """YAML without aliases (the billion laughs), its plain scalars by the rules of 1.2."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML keeps them so

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise _Refused("aliases are not taken", self.get_mark())
        return super().compose_node(parent, index)


#: No leading zeros and 15 digits at most: an account id that begins with one stays what it is.
_INTEGER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})\Z", re.ASCII)
for _tag, _pattern, _first in (
    ("bool", re.compile(r"(?:true|false)\Z"), ["t", "f"]),
    ("int", _INTEGER, [*"-0123456789"]),
    ("null", re.compile(r"(?:~|null|)\Z"), ["~", "n", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, _first)


def _checked(node: yaml.ScalarNode) -> str:
    """The text of a scalar: settings are shown in logs, tables and headers."""
    text: str = node.value
    if _CONTROL.search(text):
        what = "a line break or another control character; fold long texts with >-"
        raise _Refused(what, node.start_mark)
    return text


def _missing_parameters(
    org: Mapping[str, Any], catalog: Mapping[str, Schema]
) -> Iterator[tuple[Place, str]]:
    """What a rule requires, but may take from the organisation: the schema cannot say that."""
    for rule_id, entry in org.get("inventory", {}).get("rules", {}).items():
        for name, parameter in catalog[rule_id].get("parameters", {}).items():
            given = name in entry or entry.get("mode") == "off" or parameter.get("from", "") in org
            if parameter.get("required") is True and not given:
                yield (*_RULES, rule_id), f"{rule_id} needs {name}, or org.{parameter['from']}"


def _repeated_ids(org: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    seen = set()
    for index, exemption in enumerate(org.get("exemptions", ())):
        if exemption["id"] in seen:
            yield ("org", "exemptions", index, "id"), f"{exemption['id']} is used twice"
        seen.add(exemption["id"])


def _explained(error: "ValidationError") -> Iterator[tuple[Place, str]]:
    """Put what the schema finds into words, with the place of each thing."""
    place: Place = tuple(error.absolute_path)
    where = _dotted(place)
    value, limit = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            members = list(error.schema.get("properties", ()))
            for name in sorted(set(value) - set(members)):
                yield (*place, name), _unknown(place, name, members)
        case "required":
            rule = place[-1] if _is_rule(place) else ""
            for name in [name for name in limit if name not in value]:
                yield place, f"{rule} needs {name}" if rule else f"{where}: {name} is missing"
        case "type":
            quotes = "; put it in quotes" if limit == "string" and _is_scalar(value) else ""
            yield place, f"{where}: must be {_KINDS.get(str(limit), limit)}{quotes}"
        case "enum":
            known = [str(item) for item in limit]
            what = f"{where}: {_quoted(value)} is none of {', '.join(known)}"
            if place[:2] == ("org", "exemptions"):
                what = f"{_quoted(value)} is no rule of this catalogue"
            yield place, what + _suggestion(value, known)
        case "not" if not isinstance(value, str):
            pass  # the same value has the wrong type, which is told
        case "pattern" | "not" if "format" not in error.schema:
            hint = error.schema.get("description", "see the schema")
            yield place, f"{where}: {_quoted(value)} does not fit: {hint}"
        case keyword:
            word = "format" if "format" in error.schema and keyword in _TEXTUAL else str(keyword)
            yield place, f"{where}: {_WORDS.get(word, _MISFIT).format(limit=limit)}"


def _is_rule(place: Place) -> bool:
    return place[:-1] == _RULES


def _unknown(place: Place, name: str, members: Sequence[str]) -> str:
    if place == _RULES:
        return f"{_quoted(name)} is no rule of this catalogue{_suggestion(name, members)}"
    if _is_rule(place):
        return f"{place[-1]} has no parameter {_quoted(name)}{_suggestion(name, members)}"
    return f"{_dotted((*place, _quoted(name)))}: no such member{_suggestion(name, members)}"


def _suggestion(word: object, known: Sequence[str]) -> str:
    near = get_close_matches(word[:_MAX_WORD], known, 1) if isinstance(word, str) else []
    return f"; did you mean {near[0]}?" if near else ""


def _is_scalar(value: object) -> bool:
    return isinstance(value, bool | int)


def _quoted(value: object) -> str:
    """Cut, and nothing that a terminal would act upon, such as a change of direction."""
    return "".join(char if char.isprintable() else "?" for char in str(value)[:_MAX_WORD])


def _dotted(place: Place) -> str:
    """`org.exemptions[0].id`."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{_quoted(part)}"
    return text.removeprefix(".") or "the file"


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _at_once(path: str, flags: int) -> int:
    """O_NONBLOCK: opening a FIFO must not hang."""
    return os.open(path, flags | os.O_NONBLOCK)
