"""The documents as AWS would read them: by its own lists, and by linters that others wrote."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from parliament import analyze_policy_string

from gateway.core.enforcement.control_policy import ROLE_CHANGES
from gateway.core.enforcement.document import VERSION
from gateway.core.s3.permissions import LIST_BUCKETS_ACTION, PERMISSIONS

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "aws"
DOCUMENTS = sorted(path.stem for path in FOLDER.glob("*.json"))
#: No policy: an event pattern.
POLICIES = [name for name in DOCUMENTS if name != "detection"]
#: Newer than the linter's list: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
NEWER_ACTIONS = frozenset(
    f"s3:{action}"
    for action in (
        "DeleteObjectAnnotation DeleteObjectVersionAnnotation GetBucketAbac GetObjectAnnotation "
        "GetObjectVersionAnnotation ListObjectAnnotations ListObjectVersionAnnotations "
        "PutBucketAbac PutObjectAnnotation PutObjectVersionAnnotation "
        "UpdateBucketMetadataAnnotationTableConfiguration "
        "UpdateBucketMetadataInventoryTableConfiguration "
        "UpdateBucketMetadataJournalTableConfiguration UpdateObjectEncryption"
    ).split()
)
#: Of resource policies, `*` is the resource that they are on; it knows no cluster's OIDC provider.
NOT_MEANT = {
    "trust-irsa": ("UNKNOWN_FEDERATION_SOURCE: ",),
    "kms-policy": ("RESOURCE_STAR: ", "Unknown condition aws:SourceOrgID "),
    "destination-policy": ("Unknown condition aws:SourceOrgID ",),
}


def test_files_are_those_of_the_kit() -> None:
    """One source: the files in `deploy/aws` are made from it."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/build_enforcement.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_template_has_its_file(builder) -> None:
    """So that each is linted."""
    assert {item.template for item in builder.EXAMPLES.values()} == set(builder.TEMPLATES)


@pytest.mark.parametrize("name", POLICIES)
def test_policy_is_sound_when_it_is_linted(name: str) -> None:
    """By parliament: actions, resources, condition keys and operators that exist and fit.

    Of trust policies it is told the resource, and spared the keys of tokens and tags.
    """
    policy = json.loads((FOLDER / f"{name}.json").read_text())
    assert policy["Version"] == VERSION
    for statement in policy["Statement"]:
        if name.startswith("trust"):
            statement["Resource"] = "arn:aws:iam::111122223333:role/inventory-gateway"
            statement.pop("Condition", None)
    told = [
        f"{item.issue}: {item.detail}"
        for item in analyze_policy_string(json.dumps(policy)).findings
        if str(item.detail).removeprefix("Unknown action ") not in NEWER_ACTIONS
    ]
    spared = NOT_MEANT.get(name, ())
    assert [words for words in told if not any(known in words for known in spared)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_template_is_sound_when_it_is_linted(name: str) -> None:
    """By cfn-lint."""
    text = (FOLDER / "cloudformation" / f"{name}.json").read_text()
    assert lint(text, config=ManualArgs(regions=["eu-central-1"])) == []


def test_actions_of_operations_exist_on_their_resource(iam_actions) -> None:
    """On the bucket or the object, by IAM's own list."""
    wrong = []
    for name, permission in PERMISSIONS.items():
        for actions, resource in ((permission.bucket, "bucket"), (permission.object, "object")):
            for action in actions:
                types = {
                    item["resource_type"].rstrip("*")
                    for item in iam_actions.get(action, {}).get("resource_types", ())
                }
                if resource not in types and action not in NEWER_ACTIONS:
                    wrong.append((name, action, types))
    assert wrong == []
    assert LIST_BUCKETS_ACTION in iam_actions


def test_changes_of_a_role_are_all_there_are(iam_actions) -> None:
    """Every action of IAM on a role that does more than read it."""
    changes = {
        action
        for action, known in iam_actions.items()
        if action.startswith("iam:")
        and known["access_level"] not in {"Read", "List"}
        and any(item["resource_type"].startswith("role") for item in known["resource_types"])
    }
    # Service-linked roles are AWS's own, under /aws-service-role/.
    assert changes - set(ROLE_CHANGES) == {
        "iam:CreateServiceLinkedRole",
        "iam:DeleteServiceLinkedRole",
    }
    assert set(ROLE_CHANGES) <= changes
