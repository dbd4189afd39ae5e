"""What a file asks for: every form that is taken, and a place for whatever is wrong."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.app import submission
from gateway.app.submission import MAX_BYTES, Submission, SubmissionError, read_submissions
from gateway.core.inventory.json_text import JsonText
from gateway.core.policy.mutation import Mutation
from tests.core.inventory.test_shape import SHAPE
from tests.support.inventory import document
from tests.support.terraform import ADDRESS, change, plan

DESTINATION = "/Destination/S3BucketDestination"
KEY = {"SSEKMS": {"KeyId": "arn:aws:kms:eu-central-1:444455556666:key/a"}}
PATCHES = (
    Mutation("INV001", "add", f"{DESTINATION}/Encryption", KEY),
    Mutation("INV032", "add", f"{DESTINATION}/Prefix", "inventory/é"),
)
CLI = {"Bucket": "acme-orders", "Id": "daily", "InventoryConfiguration": SHAPE}


def read(value: Any, name: str = "f") -> tuple[Submission, ...]:
    """Read what a file holds: bytes, text, or what JSON can write."""
    if not isinstance(value, bytes):
        value = (value if isinstance(value, str) else json.dumps(value)).encode()
    return read_submissions(name, value)


@pytest.mark.parametrize(
    ("value", "bucket", "owner"),
    [
        (SHAPE, "", ""),
        ("\ufeff" + json.dumps(SHAPE), "", ""),
        (CLI, "acme-orders", ""),
        ({**CLI, "ExpectedBucketOwner": "1" * 12}, "acme-orders", "1" * 12),
        ({"InventoryConfiguration": SHAPE}, "", ""),
        ({"InventoryConfigurationList": [SHAPE], "IsTruncated": False}, "", ""),
    ],
    ids=["configuration", "bom", "input", "owner", "get", "list"],
)
def test_json_is_taken_as_the_aws_cli_has_it(value: Any, bucket: str, owner: str):
    """Alone, as its input, and as it prints configurations."""
    [found] = read(value)
    assert found.configuration is not None
    assert found.configuration.as_boto3() == SHAPE
    assert (found.inventory_id, found.bucket, found.expected_owner) == ("daily", bucket, owner)
    assert found.position("/Id") is not None


@pytest.mark.parametrize("start", ["", "\ufeff", '<?xml version="1.0"?>'])
def test_xml_is_taken_as_s3_takes_it(start: str):
    """Whatever may stand before it."""
    [found] = read(start + document())
    assert (found.inventory_id, found.name, found.bucket) == ("inv-1", "f", "")
    assert found.position("/Id") is not None


def test_a_plan_holds_several():
    """Each under the address of its resource, without lines: nobody wrote the file."""
    found = read(plan(change(["delete", "create"])), "plan.json")
    removal, put = found
    assert (removal.configuration, put.configuration is None) == (None, False)
    assert [item.name for item in found] == [f"plan.json: {ADDRESS}"] * 2
    assert (put.bucket, put.region, put.inventory_id) == ("acme-orders", "eu-central-1", "daily")
    assert (put.position("/Id"), put.diff(PATCHES)) == (None, "")
    assert read(plan()) == ()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"", "f:1: not JSON"),
        (b"{\n,", "f:2: not JSON"),
        (b"{\n\xff", "f:2: not UTF-8"),
        (b"[]", "f: a configuration must be an object"),
        ("<a/>", "f: The XML you provided"),
        (document(bucket="b"), "f: Invalid bucket ARN"),
        ('{"Id": "a",\n"Id": "b"}', "f:2: 'Id' is given twice"),
        ({**SHAPE, "Id": "a b"}, "f: InventoryConfiguration/Id must be"),
        ({**CLI, "Id": "weekly"}, "f: Id differs from the Id in InventoryConfiguration"),
        ({**CLI, "Buckt": "x"}, "f: 'Buckt' is no member of the input of the AWS CLI"),
        ({**CLI, "Bucket": 7}, "f: Bucket must be text"),
        ({**CLI, "ExpectedBucketOwner": "7"}, "f: The value of the expected bucket owner"),
        ({"InventoryConfigurationList": [7]}, "f: a configuration must be an object"),
        (
            {"InventoryConfigurationList": [], **CLI},
            "f: 'Bucket' is no member of what the AWS CLI prints of a list",
        ),
        (
            '{"InventoryConfigurationList": [7],\n"InventoryConfigurationList": []}',
            "f:2: 'InventoryConfigurationList' is given twice",
        ),
        (plan(change(["create"], name="a b")), f"f: {ADDRESS}: InventoryConfiguration/Id must be"),
        (plan(change(["create"], name=None)), f"f: {ADDRESS}: name is missing"),
        (json.dumps(SHAPE) + " " * 1024 * 1024, "f: no plan, and larger than 1048576 bytes"),
        (b" " * (MAX_BYTES + 1), f"f: larger than {MAX_BYTES} bytes"),
    ],
    ids=lambda value: "" if isinstance(value, (dict, bytes)) else value[:30],
)
def test_what_cannot_be_read_is_told_by_its_place(value: Any, words: str):
    """The file, the line where it is known, and what is wrong."""
    with pytest.raises(SubmissionError) as refused:
        read(value)
    assert str(refused.value).startswith(words)


def test_a_text_is_read_once_however_many_configurations_it_lists(monkeypatch: pytest.MonkeyPatch):
    """The playground reads on the loop of object traffic: no text may take its square in time."""
    texts = []

    class Counted(JsonText):
        def __init__(self, text: str, root: str = "") -> None:
            texts.append(text)
            super().__init__(text, root)

    monkeypatch.setattr(submission, "JsonText", Counted)
    found = read({"InventoryConfigurationList": [SHAPE, {**SHAPE, "Id": "weekly"}]})
    assert [item.inventory_id for item in found] == ["daily", "weekly"]
    assert len(texts) == 1
    assert found[0].position("/Id") != found[1].position("/Id")


def apply_patch(folder: Path, name: str, text: str, diff: str) -> str:
    """Return what `patch` makes of the text: the witness that a diff is one."""
    path = folder / name
    path.write_text(text)
    subprocess.run(["git", "apply", "-"], cwd=folder, input=diff.encode(), check=True)
    return path.read_text()


@pytest.mark.parametrize("end", ["", "\n"], ids=["no-newline", "newline"])
@pytest.mark.parametrize(
    "value",
    [
        json.dumps(SHAPE),
        json.dumps(SHAPE, indent=2),
        json.dumps(CLI, indent="\t"),
        document(),
        document().replace("><", ">\n  <"),
    ],
    ids=["line", "json", "input", "xml-line", "xml"],
)
def test_the_diff_makes_the_patched_configuration(tmp_path: Path, value: str, end: str):
    """Applied to the file as it is, it gives what policy proposed and nothing else."""
    [before] = read(value + end, "daily")
    patched = apply_patch(tmp_path, "daily", value + end, before.diff(PATCHES))
    [after] = read(patched)
    assert before.configuration is not None
    assert after.configuration is not None
    expected: Any = before.configuration.as_boto3()
    expected["Destination"]["S3BucketDestination"] |= {"Encryption": KEY, "Prefix": "inventory/é"}
    assert after.configuration.as_boto3() == expected
    assert patched.endswith("\n") == bool(end)


def test_without_patches_there_is_no_diff():
    """An empty text."""
    [found] = read(SHAPE)
    assert found.diff(()) == ""
