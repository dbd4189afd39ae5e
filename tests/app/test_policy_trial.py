"""Fixtures: what they ask, what they expect, and how a verdict differs from it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.adapters.opa_command import OpaCommand
from gateway.adapters.opa_wasm import PolicyBundle
from gateway.app.evaluate import question_schema
from gateway.app.own_rules import lay_out_shipped
from gateway.app.policy_trial import (
    CommandTrial,
    EmbeddedTrial,
    Fixture,
    FixtureError,
    FixtureReader,
    Trial,
    merge,
    run,
)
from gateway.core.policy.catalog import Catalog
from tests.core.inventory.test_shape import SHAPE
from tests.support.opa_process import find_opa
from tests.support.terraform import change, plan

ROOT = Path(__file__).resolve().parents[2]
BUNDLE = PolicyBundle.shipped()
CATALOG = Catalog.from_data(BUNDLE.catalog)
BASE = json.loads((ROOT / "policies/examples/put.json").read_text())
CSV = {"Destination": {"S3BucketDestination": {"Format": "CSV"}}}
#: Around the time of the example.
FREEZE = {"starts": "2026-11-01T00:00:00Z", "ends": "2026-12-01T00:00:00Z"}
FORMATS = {"INV030": {"formats": ["Parquet"]}}


@pytest.fixture(scope="module", params=["wasm", "opa"])
def trial(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Either engine."""
    if request.param == "wasm":
        return EmbeddedTrial(BUNDLE)
    tree = tmp_path_factory.mktemp("tree")
    lay_out_shipped(tree)
    return CommandTrial(OpaCommand.find(find_opa()), tree)


@pytest.fixture
def reader() -> FixtureReader:
    """A reader of fixtures under what ships."""
    return FixtureReader(BUNDLE.catalog, BASE, BUNDLE.data["org"], question_schema())


def read(reader: FixtureReader, folder: Path, *fixtures: Any) -> list[Fixture]:
    """Return the fixtures of a file."""
    path = folder / "fixtures.yaml"
    path.write_text(yaml.safe_dump([*fixtures]))
    return [*reader.file(path)]


def test_every_rule_finds_its_refused_example_alone(trial: Trial, reader: FixtureReader) -> None:
    """And nobody has a word about its allowed one, on either engine."""
    fixtures = [*reader.examples(sorted(BUNDLE.catalog))]
    assert len(fixtures) == 2 * len(BUNDLE.catalog)
    assert [result for result in run(fixtures, trial, CATALOG) if result.differences] == []


@pytest.mark.parametrize(
    ("fixture", "differences"),
    [
        ({"expect": {"allow": True, "violations": [], "warnings": []}}, ()),
        ({"configuration": CSV, "expect": {"allow": True}}, ()),
        (
            {"configuration": CSV, "settings": FORMATS, "expect": {"allow": True}},
            ("expected allow: true; open: INV030",),
        ),
        ({"configuration": CSV, "settings": FORMATS, "expect": {"violations": ["INV030"]}}, ()),
        (
            {"configuration": CSV, "settings": FORMATS, "expect": {"violations": ["INV031"]}},
            ("expected violations: [INV031]; found: [INV030]",),
        ),
        (
            {"expect": {"allow": False, "violations": ["INV001"], "exempted": ["INV001"]}},
            (
                "expected allow: false; open: nothing",
                "expected violations: [INV001]; found: []",
                "expected exempted: [INV001]; found: []",
            ),
        ),
        (
            {
                "settings": {"INV050": {"owners": {"*": ["platform"]}}},
                "removal": True,
                "expect": {"allow": False, "violations": ["INV050"]},
            },
            (),
        ),
        (
            {"settings": {"INV052": {"windows": [FREEZE]}}, "expect": {"violations": ["INV052"]}},
            (),
        ),
        ({"given": {"schema": "inventory.input/1"}, "expect": {}}, ()),
    ],
    ids=["sound", "off", "allowed", "refused", "another", "all", "removal", "times", "anything"],
)
def test_a_verdict_is_held_to_what_is_expected(
    trial: Trial, reader: FixtureReader, tmp_path: Path, fixture: Any, differences: tuple[str, ...]
) -> None:
    """Exactly, and only where something is expected."""
    [result] = run(read(reader, tmp_path, {"name": "n", **fixture}), trial, CATALOG)
    assert (result.name, result.differences) == (f"{tmp_path}/fixtures.yaml, n", differences)


def test_a_rule_that_finds_nothing_is_missed(trial: Trial, reader: FixtureReader) -> None:
    """Its refused example must be found by itself."""
    [refused, _] = reader.examples(["INV030"])
    lost = Fixture(refused.name, BASE, refused.org, finds="INV030")
    [result] = run([lost], trial, CATALOG)
    assert result.differences == ("INV030 finds nothing",)


def test_an_answer_that_does_not_count_is_a_difference(trial: Trial) -> None:
    """An incomplete catalogue, say; or settings without a name."""
    results = run([Fixture("n", BASE, {"revision": ""})], trial, CATALOG)
    assert results[0].differences[0].startswith("engine_not_ready")
    results = run([Fixture("n", BASE, {"revision": "r"})], trial, Catalog({}))
    assert results[0].differences[0].startswith("engine_incomplete")


def test_fixtures_stand_beside_the_organisations_settings(tmp_path: Path) -> None:
    """They set rules; all else stays."""
    org = {"revision": "r", "inventory": {"defaults": {"mode": "warn"}, "rules": {"INV033": {}}}}
    reader = FixtureReader(BUNDLE.catalog, BASE, org, question_schema())
    bare, setting = read(reader, tmp_path, {"expect": {}}, {"settings": FORMATS, "expect": {}})
    assert bare.org == org
    expected = {"defaults": {"mode": "warn"}, "rules": {"INV033": {}, **FORMATS}}
    assert setting.org == {"revision": "r", "inventory": expected}


@pytest.mark.parametrize("call", [False, True], ids=["configuration", "input"])
def test_a_file_stands_in_the_place_of_the_example(reader, tmp_path: Path, call: bool) -> None:
    """Nothing of the example's configuration is left, and the question names its buckets."""
    value = {"Bucket": "acme-raw", "InventoryConfiguration": SHAPE} if call else SHAPE
    (tmp_path / "daily.json").write_text(json.dumps(value))
    [found] = read(reader, tmp_path, {"file": "daily.json", "configuration": CSV, "expect": {}})
    expected = json.loads(json.dumps(SHAPE))
    expected["Destination"]["S3BucketDestination"]["Format"] = "CSV"
    assert found.document["configuration"] == expected
    assert found.document["destination"]["bucket"] == "acme-inventory"
    assert found.document["source"]["bucket"] == ("acme-raw" if call else "acme-orders")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (7, "fixtures.yaml, 0: a fixture says what to expect"),
        ({"name": "n"}, "fixtures.yaml, n: a fixture says what to expect"),
        ({"name": "n", "expect": []}, "n: a fixture says what to expect"),
        ({"nmae": "n", "expect": {}}, "there is no member nmae"),
        ({"expect": {"alow": True}}, "there is no member alow"),
        ({"expect": {"allow": "yes"}}, "allow must be true or false"),
        ({"expect": {"violations": "INV001"}}, "violations must be a list of rules"),
        ({"expect": {"violations": ["INV999"]}}, "violations must be a list of rules"),
        ({"settings": {"INV999": {}}, "expect": {}}, "settings: org.inventory.rules: "),
        ({"settings": {"INV030": {"formats": 7}}, "expect": {}}, "formats: 7 is not of type"),
        ({"given": {"sourec": {}}, "expect": {}}, "/: Additional properties"),
        ({"configuration": {"Id": 7}, "expect": {}}, "/configuration/Id: 7 is not"),
        ({"file": "bad.json", "expect": {}}, "bad.json:1: not JSON"),
        ({"file": "list.json", "expect": {}}, "list.json must hold one configuration"),
        ({"file": "plan.json", "expect": {}}, "plan.json must hold one configuration"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_fixture_is_told(reader, tmp_path: Path, entry: Any, words: str) -> None:
    """By its name, or its number: nothing is expected in silence."""
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text('{"InventoryConfigurationList": []}')
    (tmp_path / "plan.json").write_text(json.dumps(plan(change(["delete"]))))
    with pytest.raises(FixtureError) as refused:
        read(reader, tmp_path, entry)
    assert words in str(refused.value)


@pytest.mark.parametrize(("text", "words"), [("[", "not plain YAML"), ("a: 1", "must be a list")])
def test_a_file_of_something_else_is_told(reader, tmp_path: Path, text: str, words: str) -> None:
    """With its name."""
    (tmp_path / "f.yaml").write_text(text)
    with pytest.raises(FixtureError, match=words):
        [*reader.file(tmp_path / "f.yaml")]


def test_a_patch_is_merged_and_a_choice_replaced() -> None:
    """RFC 7396; null is a value of what S3 holds already, and two ways of encryption are none."""
    value = {"a": {"b": 1, "c": 2}, "Encryption": {"SSES3": {}}, "d": 3}
    patch = {"a": {"b": None}, "Encryption": {"SSEKMS": {}}, "previous_configuration": None}
    assert merge(value, patch) == {
        "a": {"c": 2},
        "Encryption": {"SSEKMS": {}},
        "d": 3,
        "previous_configuration": None,
    }


def test_the_fixtures_of_the_documentation_pass(trial: Trial, reader, tmp_path: Path) -> None:
    """As they are written there."""
    text = (ROOT / "policies/README.md").read_text().partition("## Fixtures")[2]
    (tmp_path / "fixtures.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0])
    (tmp_path / "daily.json").write_text(json.dumps(SHAPE))
    fixtures = [*reader.file(tmp_path / "fixtures.yaml")]
    assert len(fixtures) == 3
    assert [result.differences for result in run(fixtures, trial, CATALOG)] == [(), (), ()]
