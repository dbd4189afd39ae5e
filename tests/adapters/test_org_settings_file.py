"""The organisation's settings: every problem by file and line, and data for the policy."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.adapters import org_settings_file
from gateway.adapters.org_settings_file import OrgSettings, OrgSettingsError, OrgSettingsFile
from tests.support.descriptors import next_descriptor
from tests.support.kubelet import publish
from tests.support.strategies import json_values

CATALOG: dict[str, Any] = {
    "INV001": {
        "title": "Encrypted",
        "parameters": {
            "minimum": {"schema": {"type": "string", "enum": ["SSE-S3", "SSE-KMS"]}},
            "mutate": {"schema": {"type": "boolean"}, "default": False, "needs": ["minimum"]},
        },
    },
    "INV011": {
        "title": "Account of ours",
        "parameters": {
            "accounts": {
                "schema": {"$ref": "#/$defs/accounts"},
                "required": True,
                "from": "accounts",
            }
        },
    },
    "INV013": {
        "title": "Destination on the list",
        "parameters": {"buckets": {"schema": {"$ref": "#/$defs/globs"}, "required": True}},
    },
    "INV041": {
        "title": "No daily listing of large buckets",
        "parameters": {"versions": {"schema": {"$ref": "#/$defs/count"}}},
    },
    "INV044": {
        "title": "By bucket",
        "parameters": {
            "owners": {
                "schema": {
                    "type": "object",
                    "maxProperties": 2,
                    "propertyNames": {"$ref": "#/$defs/bucket"},
                    "additionalProperties": {"$ref": "#/$defs/account"},
                }
            }
        },
    },
    "INV052": {
        "title": "No change during a freeze",
        "parameters": {
            "starts": {"schema": {"$ref": "#/$defs/time"}},
        },
    },
}

GOOD = """\
org:
  revision: 2026-11-20.1
  accounts: ["111122223333"]
  inventory:
    defaults: {mode: off}     # YAML 1.1 would read this as false
    rules:
      INV001: {minimum: SSE-KMS, mutate: true}
      INV013: {mode: warn, buckets: ["acme-inventory-*"]}
      INV041: {versions: 1000000}
      INV052: {starts: 2026-12-20T00:00:00+01:00}
  exemptions:
    - id: EX-7
      rules: [INV001]
      buckets: ["legacy-*"]
      principals: ["*"]
      configuration_ids: ["*"]
      reason: >-
        the reader takes no encryption
        until the migration
      ticket: GOV-1289
      approved_by: s3-governance
      expires: 2027-01-01T00:00:00Z
"""


def read(folder: Path, text: str | bytes) -> OrgSettings:
    """What a file of this text says."""
    path = folder / "policy.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return of_catalog(path).read()


@cache
def of_catalog(path: Path) -> OrgSettingsFile:
    """The reader of a file; to check the schema itself takes longer than to read one."""
    return OrgSettingsFile(path, CATALOG)


def problems(folder: Path, text: str | bytes) -> tuple[str, ...]:
    """What is wrong with it."""
    with pytest.raises(OrgSettingsError) as caught:
        read(folder, text)
    return caught.value.problems


def test_good_settings_become_policy_data(tmp_path: Path) -> None:
    """As written, with times in nanoseconds beside them."""
    found = read(tmp_path, GOOD)
    assert found.data["inventory"] == {
        "defaults": {"mode": "off"},
        "rules": {
            "INV001": {"minimum": "SSE-KMS", "mutate": True},
            "INV013": {"mode": "warn", "buckets": ["acme-inventory-*"]},
            "INV041": {"versions": 1_000_000},
            "INV052": {
                "starts": "2026-12-20T00:00:00+01:00",
                "starts_ns": 1_797_721_200_000_000_000,
            },
        },
    }
    (exemption,) = found.exemptions
    assert exemption.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert exemption.reason == "the reader takes no encryption until the migration"
    assert found.data["exemptions"][0]["expires_ns"] == 1_798_761_600_000_000_000


def test_the_revision_tells_forgotten_changes(tmp_path: Path) -> None:
    """As written, with a digest of what is meant: comments and order do not count."""
    first = read(tmp_path, GOOD)
    assert first.revision.startswith("2026-11-20.1+")
    assert first.data["revision"] == first.revision
    again = "# a comment\n" + GOOD.replace("  accounts:", "\n  accounts:   ")
    assert read(tmp_path, again).revision == first.revision
    assert read(tmp_path, GOOD.replace("mode: warn", "mode: dryrun")).revision != first.revision
    observing = GOOD.replace("  accounts:", "  enforcement: observe\n  accounts:")
    assert read(tmp_path, observing).revision != first.revision


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "INV013:",
            "INV099:",
            "8: INV099 is no rule of this catalogue; did you mean INV052?",
            id="unknown-rule",
        ),
        pytest.param(
            "minimum:",
            "minimun:",
            "7: INV001 has no parameter minimun; did you mean minimum?",
            id="unknown-parameter",
        ),
        pytest.param(
            "accounts:",
            "acounts:",
            "3: org.acounts: no such member; did you mean accounts?",
            id="unknown-member",
        ),
        pytest.param("org:", "zzz: 1\norg:", "1: zzz: no such member", id="unknown-at-the-top"),
        pytest.param(
            "ticket:",
            "tickets:",
            "20: org.exemptions[0].tickets: no such member; did you mean ticket?",
            id="unknown-in-an-exemption",
        ),
        pytest.param("  revision: 2026-11-20.1\n", "", "1: org: revision is missing", id="missing"),
        pytest.param(
            "      ticket: GOV-1289\n",
            "",
            "12: org.exemptions[0]: ticket is missing",
            id="missing-in-an-exemption",
        ),
        pytest.param(
            "mode: warn",
            "mode: warned",
            "8: org.inventory.rules.INV013.mode: warned is none of deny, warn, dryrun, off; "
            "did you mean warn?",
            id="mode",
        ),
        pytest.param(
            "mode: off",
            "mode: false",
            "5: org.inventory.defaults.mode: False is none of deny, warn, dryrun, off",
            id="mode-no-word",
        ),
        pytest.param(
            "rules: [INV001]",
            "rules: [INV030]",
            "13: INV030 is no rule of this catalogue; did you mean INV013?",
            id="exempted-rule",
        ),
        pytest.param(
            "00:00Z",
            "00:00",
            "22: org.exemptions[0].expires: must be a time with its zone (RFC 3339), as in "
            "2027-01-01T00:00:00Z",
            id="no-zone",
        ),
        pytest.param(
            '"111122223333"',
            "111122223333",
            "3: org.accounts[0]: must be a string; put it in quotes",
            id="number",
        ),
        pytest.param(
            "1000000", "1.5", "9: org.inventory.rules.INV041.versions: must be a whole number"
        ),
        pytest.param(
            "1000000", "-1", "9: org.inventory.rules.INV041.versions: must be at least 0"
        ),
        pytest.param(
            "1000000",
            "3000000000",
            "9: org.inventory.rules.INV041.versions: must be at most 2147483647",
        ),
        pytest.param(
            "mutate: true",
            "mutate: yes",
            "7: org.inventory.rules.INV001.mutate: must be true or false",
            id="yes",
        ),
        pytest.param(
            '["acme-inventory-*"]',
            "[]",
            "8: org.inventory.rules.INV013.buckets: must not be empty",
            id="empty",
        ),
        pytest.param(
            '["acme-inventory-*"]',
            '["a", "a"]',
            "8: org.inventory.rules.INV013.buckets: names something twice",
            id="twice",
        ),
        pytest.param(
            '["acme-inventory-*"]',
            '["a{b"]',
            "8: org.inventory.rules.INV013.buckets[0]: a{b does not fit: * for any text, ? for any "
            "character, [abc] and {a,b} for alternatives",
            id="glob",
        ),
        pytest.param(
            "{versions: 1000000}",
            "",
            "9: org.inventory.rules.INV041: must be a mapping",
            id="nothing",
        ),
        pytest.param(
            "      INV041: {versions: 1000000}",
            "      INV044: {owners: {abc: '111122223333', abd: '111122223333', abe: '1'}}",
            "9: org.inventory.rules.INV044.owners: too long; 2 at most",
            id="too-long",
        ),
        pytest.param(
            'buckets: ["acme-inventory-*"]', "mode: deny", "8: mode is given twice", id="repeated"
        ),
        pytest.param(
            ', buckets: ["acme-inventory-*"]', "", "8: INV013 needs buckets", id="parameter"
        ),
        pytest.param(
            "id: EX-7",
            'id: "EX 7"',
            "12: org.exemptions[0].id: EX 7 does not fit: up to 40 letters, digits and ._- (it is "
            "shown in a header)",
            id="exemption-id",
        ),
        pytest.param("minimum: SSE-KMS, ", "", "7: INV001 needs minimum", id="needed"),
        pytest.param(
            "      INV041: {versions: 1000000}",
            "      INV041: &a {versions: 1}\n      INV044: *a",
            "10: aliases are not taken",
            id="alias",
        ),
        pytest.param("true}", "!!str true}", "7: org.inventory.rules.INV001.mutate: must be true "
            "or false", id="a-tag-that-is-known"),
        pytest.param("true}", "!x true}", "7: tags are not taken", id="tag"),
        pytest.param("true}", "!!python/name:os.system x}", "7: tags are not taken", id="python"),
        pytest.param("true}", "!!bool maybe}", "7: tags are not taken", id="tag-that-lies"),
        pytest.param("{mode: off}", "!!set {off}", "5: tags are not taken", id="set"),
        pytest.param("mode: off", "[mode]: off", "5: the name of a member must be a word"),
        pytest.param("mode: off", "mode: [off", "5: not plain YAML", id="not-yaml"),
        pytest.param("mode: off", "mode: \x01", "5: a character that YAML does not take"),
        pytest.param(
            "GOV-1289",
            '"GOV\\r\\nset-cookie: x"',
            "20: a line break or another control character; fold long texts with >-",
            id="control-character",
        ),
    ],
)  # fmt: skip
def test_a_problem_is_told_by_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """In words for the one who writes the file."""
    assert GOOD.count(old) >= 1
    assert f"policy.yaml:{expected}" in problems(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "policy.yaml:1: the file: must be a mapping", id="nothing"),
        pytest.param("[]", "policy.yaml:1: the file: must be a mapping", id="a-list"),
        pytest.param("{}", "policy.yaml:1: the file: org is missing", id="empty"),
        pytest.param("org:\n", "policy.yaml:1: org: must be a mapping", id="org-empty"),
        pytest.param("--- 1\n--- 2\n", "policy.yaml:2: not plain YAML", id="two-documents"),
        pytest.param("[" * 5000, "policy.yaml:1: not plain YAML", id="deep"),
        pytest.param(b"org:\n  a: \xff", "policy.yaml:2: not UTF-8", id="not-utf-8"),
        pytest.param('"\\ud800"', "policy.yaml:1: a line break or another control character; fold "
            "long texts with >-", id="surrogate"),
    ],
)  # fmt: skip
def test_what_are_no_settings_is_told(tmp_path: Path, text: str | bytes, expected: str) -> None:
    """Whatever the file is."""
    assert problems(tmp_path, text) == (expected,)


def test_everything_is_told_at_once_and_in_order(tmp_path: Path) -> None:
    """But not more than a screen or two."""
    bad = GOOD.replace("minimum:", "minimun:").replace("INV013:", "INV014:")
    assert [problem.split(":")[1] for problem in problems(tmp_path, bad)] == ["7", "7", "8"]
    many = "org:\n" + "".join(f"  m{number}: 1\n" for number in range(70))
    found = problems(tmp_path, many)
    assert (len(found), found[-1]) == (51, "and 21 more")


def test_an_id_is_used_once(tmp_path: Path) -> None:
    """It names one approval."""
    _, _, entry = GOOD.partition("  exemptions:\n")
    (problem,) = problems(tmp_path, GOOD + entry)
    assert problem == "policy.yaml:23: EX-7 is used twice"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param("INV011: {}", "INV011 needs accounts, or org.accounts", id="not-given"),
        pytest.param(
            "INV011: {mode: warn}", "INV011 needs accounts, or org.accounts", id="with-a-mode"
        ),
        pytest.param("INV011: {mode: off}", "", id="off"),
        pytest.param("INV011: {accounts: ['111122223333']}", "", id="given"),
    ],
)
def test_a_rule_that_is_named_has_what_it_needs(tmp_path: Path, rules: str, expected: str) -> None:
    """It would be off in silence, or refuse everything."""
    text = f"org:\n  revision: r\n  inventory:\n    rules:\n      {rules}\n"
    if expected:
        assert problems(tmp_path, text) == (f"policy.yaml:5: {expected}",)
    else:
        assert read(tmp_path, text).revision
    assert read(tmp_path, text + "  accounts: ['111122223333']\n").revision


@pytest.mark.parametrize(
    ("word", "expected"),
    [("off", "off"), ("on", "on"), ("no", "no"), ("True", "True"), ("0x1F", "0x1F"), ("1e3", "1e3"),
     ("012345678901", "012345678901"), ("1:30", "1:30"), (".inf", ".inf"), ("2026-01-01",
     "2026-01-01"), ("-", None), ("~", None), ("null", None), ("true", True), ("-7", -7),
     ("=", "="), ("<<", "<<"), ("1_000", "1_000")],
)  # fmt: skip
def test_words_are_read_as_yaml_1_2_reads_them(word: str, expected: object) -> None:
    """Where 1.1 makes booleans, octal and sexagesimal numbers, floats and dates of them."""
    text = f"a: {word}\n" if word != "-" else "a:\n"
    assert org_settings_file._Document("f", text).value == {"a": expected}


def no_file(path: Path) -> None:
    """Gone."""
    path.unlink()


def folder_instead(path: Path) -> None:
    """A folder."""
    path.unlink()
    path.mkdir()


def fifo_instead(path: Path) -> None:
    """Something to wait at."""
    path.unlink()
    os.mkfifo(path)


def huge(path: Path) -> None:
    """Larger than anybody writes."""
    path.write_bytes(b"#" * (1024 * 1024 + 1))


def open_to_all(path: Path) -> None:
    """Everybody may switch off rules."""
    path.chmod(0o646)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (no_file, "No such file or directory"),
        (folder_instead, "Is a directory"),
        (fifo_instead, "not a regular file"),
        (huge, "larger than 1048576 bytes"),
        (open_to_all, "mode 0646 lets everybody write; chmod o-w"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, spoil: Any, expected: str) -> None:
    """Once: it has not changed since, until it has; and nothing stays open."""
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    file = OrgSettingsFile(path, CATALOG)
    file.read()
    assert not file.changed()
    spoil(path)
    if path.exists():
        os.utime(path, (1, 1))
    assert file.changed()
    before = next_descriptor()
    with pytest.raises(OrgSettingsError) as caught:
        file.read()
    assert caught.value.problems == (f"{path}: {expected}",)
    assert not file.changed()
    assert next_descriptor() == before


def test_a_change_is_seen(tmp_path: Path) -> None:
    """By time, size or inode."""
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD)
    file = OrgSettingsFile(path, CATALOG)
    assert file.changed()
    file.read()
    assert not file.changed()
    path.write_text(GOOD + "#\n")
    assert file.changed()
    file.read()
    assert not file.changed()


def test_a_catalogue_that_cannot_be_checked_is_refused(tmp_path: Path) -> None:
    """Before any settings are read by it."""
    for schema in ({"$ref": "#/$defs/none"}, {"type": "word"}):
        catalog = {"X1": {"parameters": {"a": {"schema": schema}}}}
        with pytest.raises(OrgSettingsError, match="the catalogue cannot be used"):
            OrgSettingsFile(tmp_path / "policy.yaml", catalog)


WORDS = (
    "org revision inventory rules defaults mode exemptions accounts id buckets principals reason "
    "ticket expires minimum versions owners"
)
NAMES = st.sampled_from([*WORDS.split(), *CATALOG])
VALUES = st.one_of(
    json_values,
    st.sampled_from(["EX-7", "deny", "off", "2027-01-01T00:00:00Z", "*", "SSE-KMS", "INV001"]),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.dictionaries(NAMES, inner, max_size=6) | st.lists(inner, max_size=4),
    max_leaves=20,
)


def check(folder: Path, text: str | bytes) -> None:
    """Data or a friendly error: another exception is a failure of the test."""
    found: OrgSettings | None = None
    told: tuple[str, ...] = ()
    try:
        found = read(folder, text)
    except OrgSettingsError as error:
        told = error.problems
    assert (found is None) is bool(told)
    assert all(problem.isprintable() and len(problem) < 1000 for problem in told)
    assert found is None or found.revision == found.data["revision"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(TREES)
def test_whatever_is_written_is_data_or_a_friendly_error(tmp_path: Path, tree: object) -> None:
    """Trees of words that settings are made of."""
    check(tmp_path, yaml.safe_dump(tree, allow_unicode=True))
    check(tmp_path, yaml.safe_dump({"org": tree}, allow_unicode=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text() | st.binary() | st.text(alphabet="[]{}:,-?&*!|>'\"%@`# \n\tao0<="))
def test_whatever_the_file_holds_is_data_or_a_friendly_error(
    tmp_path: Path, text: str | bytes
) -> None:
    """Text, bytes, and the characters that YAML is made of."""
    check(tmp_path, text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(GOOD)), st.integers(0, 12), st.text(max_size=6))
def test_whatever_happens_to_good_settings_is_data_or_a_friendly_error(
    tmp_path: Path, at: int, cut: int, put: str
) -> None:
    """A slip of the hand."""
    text = GOOD[:at] + put + GOOD[at + cut :]
    check(tmp_path, text.encode("utf-8", "surrogatepass"))


def test_a_mounted_config_map_is_followed(tmp_path: Path) -> None:
    """The kubelet swaps a symlink of the folder that the file's own symlink goes through."""
    publish(tmp_path / "v", {"policy.yaml": GOOD})
    file = OrgSettingsFile(tmp_path / "v" / "policy.yaml", CATALOG)
    before = file.read()
    assert not file.changed()
    publish(tmp_path / "v", {"policy.yaml": GOOD.replace("mode: off", "mode: warn")})
    assert file.changed()
    assert file.read().revision != before.revision
