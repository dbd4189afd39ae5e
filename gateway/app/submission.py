"""What a file asks for: S3's document, the AWS CLI's configuration, a Terraform plan."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final, Protocol

import orjson

from gateway.core.errors import RequestError
from gateway.core.inventory.configuration import InventoryConfiguration, read_bucket_arn
from gateway.core.inventory.document import read_configuration
from gateway.core.inventory.json_text import JsonText, JsonTextError
from gateway.core.inventory.shape import ShapeError, read_shape
from gateway.core.inventory.terraform_plan import PlanError, is_plan, planned_inventories
from gateway.core.inventory.xml_text import XmlText
from gateway.core.policy.input import check_expected_owner
from gateway.core.policy.mutation import Mutation

#: A plan names every resource of a root module; a configuration stays far below.
MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_JSON: Final = 1024 * 1024
#: Members of the input of PutBucketInventoryConfiguration, as `--cli-input-json` takes it.
_CLI_MEMBERS: Final = {"Bucket", "Id", "InventoryConfiguration", "ExpectedBucketOwner"}
_LIST: Final = "InventoryConfigurationList"
#: Members of the output of ListBucketInventoryConfigurations; boto3 adds the last.
_LIST_MEMBERS: Final = frozenset(
    (_LIST, "IsTruncated", "ContinuationToken", "NextContinuationToken", "ResponseMetadata")
)


class SubmissionError(ValueError):
    """The file cannot be read; the text says where and why.

    Args:
        file: its name.
        what: is wrong.
        line: where, from 1; 0 where that is not known.
    """

    def __init__(self, file: str, what: str, line: int = 0) -> None:
        super().__init__(f"{file}:{line}: {what}" if line else f"{file}: {what}")


class ConfigurationText(Protocol):
    """A configuration as it was written."""

    text: str

    def position(self, pointer: str) -> tuple[int, int]:
        """Line and column, from 1, of a member or of the nearest one around it."""
        ...

    def with_member(self, pointer: str, value: object) -> str:
        """The text with one member set."""
        ...


@dataclass(frozen=True, slots=True)
class Submission:
    """One thing that a file asks for.

    Args:
        file: where it stands.
        inventory_id: of the configuration.
        configuration: what would be put; None for a removal.
        bucket: the source, where the file says; else empty.
        region: of the source, likewise.
        expected_owner: of the source, likewise.
        address: of the Terraform resource, where it is one.
        text: the configuration as written; None where nobody wrote it so, as in a plan.
    """

    file: str
    inventory_id: str
    configuration: InventoryConfiguration | None
    bucket: str = ""
    region: str = ""
    expected_owner: str = ""
    address: str = ""
    text: ConfigurationText | None = None

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.file}: {self.address}" if self.address else self.file

    def position(self, pointer: str) -> tuple[int, int] | None:
        """Line and column of a member, where the file has lines that somebody wrote."""
        return None if self.text is None else self.text.position(pointer)

    def with_members(self, changes: Iterable[tuple[str, object]]) -> str:
        """The text with members set, all else as it was written; empty where nobody wrote it so.

        Args:
            changes: pointers in boto3's shape, and what stands there afterwards.
        """
        if self.text is None:
            return ""
        changed = self.text
        for pointer, value in changes:
            changed = _reread(changed, changed.with_member(pointer, value))
        return changed.text

    def diff(self, mutations: Iterable[Mutation]) -> str:
        """The patches as a unified diff of the file; empty where it has no text of its own."""
        if self.text is None:
            return ""
        changed = self.with_members((mutation.path, mutation.value) for mutation in mutations)
        lines = unified_diff(
            self.text.text.splitlines(keepends=True),
            changed.splitlines(keepends=True),
            f"a/{self.file}",
            f"b/{self.file}",
        )
        return "".join(line if line.endswith("\n") else f"{line}\n{_NO_END}\n" for line in lines)


#: What `diff` says, and `patch` reads, of a file without a newline at its end.
_NO_END: Final = "\\ No newline at end of file"


def read_submissions(file: str, data: bytes) -> tuple[Submission, ...]:
    """Read a file.

    Args:
        file: its name, for people.
        data: what it holds: S3's XML; a configuration in JSON, alone or in the input of the AWS
            CLI, or a list of them as the AWS CLI prints it; `terraform show -json`.

    Raises:
        SubmissionError: it is none of these, or not one that S3 would take.
    """
    if len(data) > MAX_BYTES:
        raise SubmissionError(file, f"larger than {MAX_BYTES} bytes")
    try:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            found = [_of_document(file, data)]
        else:
            found = [*_of_json(file, data)]
        for submission in found:
            if submission.configuration is not None:
                read_bucket_arn(submission.configuration.destination.bucket_arn)
            check_expected_owner(submission.expected_owner or None)
    except (RequestError, ShapeError, PlanError) as fault:
        raise SubmissionError(file, str(fault)) from fault
    except JsonTextError as fault:
        raise SubmissionError(file, fault.what, fault.line) from fault
    except UnicodeDecodeError as fault:
        raise SubmissionError(file, "not UTF-8", data.count(b"\n", 0, fault.start) + 1) from fault
    return tuple(found)


def _of_document(file: str, data: bytes) -> Submission:
    configuration = read_configuration(data)
    return Submission(file, configuration.id, configuration, text=XmlText(data))


def _of_json(file: str, data: bytes) -> Iterator[Submission]:
    text = data.decode("utf-8-sig")
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as fault:
        raise JsonTextError(fault.lineno, f"not JSON: {fault.msg}") from fault
    if is_plan(value):
        for planned in planned_inventories(value):
            yield Submission(
                file,
                planned.inventory_id,
                None if planned.shape is None else _of_plan(planned.address, planned.shape),
                bucket=planned.bucket,
                region=planned.region,
                address=planned.address,
            )
        return
    if len(data) > _MAX_JSON:
        raise SubmissionError(file, f"no plan, and larger than {_MAX_JSON} bytes")
    if not isinstance(value, Mapping):
        raise ShapeError("a configuration must be an object")
    read = JsonText(text)
    if isinstance(value.get(_LIST), list):
        _refuse_others(value, _LIST_MEMBERS, "what the AWS CLI prints of a list")
        for index in range(len(value[_LIST])):
            yield _of_shape(file, read.below(f"/{_LIST}/{index}"), {})
    elif "InventoryConfiguration" in value:
        _refuse_others(value, _CLI_MEMBERS, "the input of the AWS CLI")
        yield _of_shape(file, read.below("/InventoryConfiguration"), value)
    else:
        yield _of_shape(file, read, {})


def _refuse_others(value: Mapping[str, Any], known: AbstractSet[str], what: str) -> None:
    """Nothing may stand beside what is judged: another reader could take that instead."""
    unknown = sorted(set(value) - known)
    if unknown:
        raise ShapeError(f"{unknown[0][:64]!r} is no member of {what}")


def _of_shape(file: str, found: JsonText, call: Mapping[str, Any]) -> Submission:
    configuration = read_shape(found.at(""))
    told = {name: value for name, value in call.items() if name != "InventoryConfiguration"}
    wrong = [name for name, value in told.items() if not isinstance(value, str)]
    if wrong:
        raise ShapeError(f"{wrong[0]} must be text")
    if told.get("Id", configuration.id) != configuration.id:
        raise ShapeError("Id differs from the Id in InventoryConfiguration")
    return Submission(
        file,
        configuration.id,
        configuration,
        bucket=told.get("Bucket", ""),
        expected_owner=told.get("ExpectedBucketOwner", ""),
        text=found,
    )


def _of_plan(address: str, shape: Mapping[str, Any]) -> InventoryConfiguration:
    try:
        return read_shape(shape)
    except ShapeError as fault:
        raise PlanError(f"{address}: {fault}") from fault


def _reread(before: ConfigurationText, text: str) -> ConfigurationText:
    """The changed text, to be changed again."""
    match before:
        case JsonText():
            return JsonText(text, before.root)
        case _:
            return XmlText(text.encode())
