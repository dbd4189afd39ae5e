"""What both policy engines do, and that a real OPA server gives the same decisions as the module.

Rules, parameters and fixtures are those of the policies: nothing here names a rule.
"""

import asyncio
import copy
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Any, Self

import aiohttp
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.opa_server import OpaServerPolicyEngine
from gateway.adapters.opa_wasm import PolicyBundle, WasmPolicyEngine
from gateway.app.self_test import self_test
from gateway.core.errors import PolicyUnavailable
from gateway.core.policy.server_address import ServerAddress
from gateway.core.ports import PolicyAnswer, PolicyEngine
from tests.adapters.test_opa_wasm import (
    ABSENT,
    CASES,
    DELETE,
    EXEMPTION,
    HOSTILE,
    PUT,
    SSE_S3,
    changed,
)
from tests.support.certificate import make_pair
from tests.support.opa_process import (
    ROOT,
    SHIPPED,
    OpaProcess,
    find_opa,
    free_port,
    opa_server,
)

Document = Mapping[str, Any]
#: Members whose order is that of a set.
FINDINGS = ("violations", "warnings", "dryrun", "exempted")
SECONDS = 60.0  # a machine under load is slow, and that is no fault


async def opened(url: str, **options: Any) -> OpaServerPolicyEngine:
    """An engine for a server that may still be starting."""
    options = {"deadline": SECONDS, "patience": SECONDS, **options}
    return await OpaServerPolicyEngine.open(ServerAddress.read(url), **options)


def allows(answer: PolicyAnswer) -> bool:
    """What the decision says."""
    assert isinstance(answer.value, dict)
    return answer.value["allow"] is True


@pytest.fixture(scope="session")
def shipped() -> PolicyBundle:
    """The bundle that ships."""
    return PolicyBundle.shipped()


@pytest.fixture(scope="session")
def server() -> Iterator[OpaProcess]:
    """A real server with the bundles that ship, on a Unix socket."""
    with opa_server(*SHIPPED) as process:
        yield process


@pytest.fixture(scope="session")
def module(shipped: PolicyBundle) -> Iterator[WasmPolicyEngine]:
    """The embedded engine, compiled once; it belongs to no event loop."""
    engine = WasmPolicyEngine(shipped, timeout=SECONDS, patience=SECONDS)
    yield engine
    asyncio.run(engine.close())


@pytest.fixture(params=["wasm", "opa"])
async def engine(request: pytest.FixtureRequest) -> AsyncIterator[PolicyEngine]:
    """Each engine in turn."""
    if request.param == "wasm":
        yield request.getfixturevalue("module")
        return
    made = await opened(request.getfixturevalue("server").url)
    yield made
    await made.close()


# --- what every engine does -----------------------------------------------------------------------


async def test_it_passes_the_test_before_the_first_request(engine):
    """Yes, no, and no to nothing."""
    await self_test(engine)


@pytest.mark.parametrize("document", [PUT, DELETE, MappingProxyType(PUT)])
async def test_what_is_sound_is_allowed_by_the_whole_catalogue(engine, shipped, document):
    """Every rule of the shipped bundle has run, and the answer says which bundle that was."""
    answer = await engine.evaluate(document)
    assert allows(answer)
    assert answer.value["ready"]
    assert answer.value["evaluated"] == sorted(answer.catalog.ids)
    assert set(answer.catalog.ids) == set(shipped.data["inventory"]["catalog"])
    revisions = [bundle["revision"] for bundle in answer.provenance["bundles"].values()]
    assert set(revisions) == {shipped.revision}
    assert shipped.revision in engine.revision


async def test_both_catalogues_have_the_same_texts(server, module):
    """A denial reads the same whoever decided."""
    engine = await opened(server.url)
    assert engine.catalog == module.catalog
    assert [engine.name, module.name] == ["opa", "wasm"]
    await engine.close()


@pytest.mark.parametrize(
    "value",
    ["\ud800", b"bytes", {1: 2}, 2**64, object()],
    ids=["surrogate", "bytes", "key", "integer", "object"],
)
async def test_what_json_cannot_carry_is_no_question(engine, value):
    """A lone surrogate among them: no answer, so no action."""
    with pytest.raises(PolicyUnavailable) as caught:
        await engine.evaluate(changed("source/bucket", value))
    assert caught.value.reason == "engine_error"
    assert allows(await engine.evaluate(PUT))


async def test_a_question_too_deep_is_not_asked(engine):
    """Nesting is bounded before any engine sees it."""
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    with pytest.raises(PolicyUnavailable) as caught:
        await engine.evaluate(changed("source/inventories", deep))
    assert caught.value.reason == "engine_error"


async def test_an_oversize_question_is_not_asked(engine):
    """Half a megabyte is beyond any honest configuration."""
    with pytest.raises(PolicyUnavailable) as caught:
        await engine.evaluate(changed("source/inventories", ["x" * 8192] * 100))
    assert caught.value.reason == "engine_oversize"


async def test_two_hundred_at_once_get_their_own_answers(engine):
    """No answer is another caller's."""
    bad = changed("source/known", value=False)
    answers = await asyncio.gather(
        *(engine.evaluate(bad if n % 3 == 0 else PUT) for n in range(200))
    )
    assert [allows(answer) for answer in answers] == [n % 3 != 0 for n in range(200)]


async def test_a_closed_engine_says_so(server, shipped):
    """After close there is no answer, and closing twice does no harm."""
    for engine in (WasmPolicyEngine(shipped, threads=1), await opened(server.url)):
        await engine.close()
        await engine.close()
        with pytest.raises(PolicyUnavailable):
            await engine.evaluate(PUT)


# --- the ways to a server -------------------------------------------------------------------------


async def test_a_server_is_reached_over_tcp():
    """The sidecar's usual place; and it tells its version and its timers."""
    with opa_server(*SHIPPED, url=f"http://127.0.0.1:{free_port()}") as process:
        engine = await opened(process.url)
        answer = await engine.evaluate(PUT)
        assert allows(answer)
        assert answer.provenance["version"]
        assert answer.metrics["timer_rego_query_eval_ns"] > 0
        await engine.close()


async def test_a_server_is_reached_over_tls_and_must_prove_its_name(tmp_path):
    """Its own CA vouches for it; the system's does not."""
    pair = make_pair(tmp_path, "opa")
    with opa_server(*SHIPPED, url=f"https://127.0.0.1:{free_port()}", pair=pair) as process:
        engine = await opened(process.url, ca_file=pair[0])
        assert allows(await engine.evaluate(PUT))
        await engine.close()
        with pytest.raises(PolicyUnavailable) as caught:
            await opened(process.url, patience=0.1)
        assert (caught.value.reason, "ertificate" in caught.value.detail) == (
            "engine_unreachable",
            True,
        )


AUTHORIZATION = """package system.authz

default allow := false

allow if input.identity == "right-token"
"""


async def test_a_server_that_asks_for_a_token_gets_it(tmp_path):
    """A wrong one is a fault at the start, told with OPA's own words."""
    policy, token = tmp_path / "authz.rego", tmp_path / "token"
    policy.write_text(AUTHORIZATION)
    token.write_text("right-token\n")
    options = ("--authentication", "token", "--authorization", "basic")
    sources = (ROOT / "policies", policy)
    ignored = ("--ignore", "*_test.rego", "--ignore", "schemas")
    with opa_server(*sources, bundles=False, options=(*options, *ignored)) as process:
        engine = await opened(process.url, token_file=token)
        assert allows(await engine.evaluate(PUT))
        token.write_text("a-wrong-token\n")
        with pytest.raises(PolicyUnavailable) as caught:
            await engine.evaluate(PUT)
        assert (caught.value.reason, "unauthorized" in caught.value.detail) == (
            "engine_error",
            True,
        )
        token.write_text("right-token\n")
        answer = await engine.evaluate(PUT)
        await engine.close()
        with pytest.raises(PolicyUnavailable) as caught:
            await opened(process.url, patience=0.1)
        assert "HTTP 401" in caught.value.detail
    # Files have no revision: the settings' own is named.
    assert (answer.provenance["bundles"], engine.revision) == ({}, "default")


OWN_BUNDLE = {
    ".manifest": json.dumps(
        {
            "revision": "2026-11-20.1",
            "roots": ["org", "inventory/custom", "inventory/catalog/ACME1"],
        }
    ),
    "org/data.yaml": "revision: '2026-11-20.1'\ninventory: {defaults: {mode: dryrun}}\n",
    "inventory/custom/frozen.rego": (
        'package inventory.custom.frozen\n\nid := "ACME1"\n\n'
        'findings contains {"path": "/Id"} if input.configuration.Id == "frozen"\n'
    ),
    "inventory/catalog/ACME1/data.yaml": (
        "{title: Frozen, severity: low, topic: custom, mode: deny, parameters: {}, "
        "message: It is frozen., remedy: Wait.}\n"
    ),
}


async def test_an_organisation_loads_its_own_settings_and_rules_beside_what_ships(tmp_path):
    """As a second bundle in the place of the settings that ship; its revision is on record."""
    for name, content in OWN_BUNDLE.items():
        path = tmp_path / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    with opa_server(SHIPPED[0], tmp_path / "own") as process:
        engine = await opened(process.url)
        await self_test(engine)
        answer = await engine.evaluate(changed("configuration/Id", "frozen"))
        assert isinstance(answer.value, dict)
        assert answer.value["dryrun"] == [{"rule": "ACME1", "path": "/Id"}]
        assert answer.value["policy_revision"] == "2026-11-20.1"
        assert answer.catalog.rules["ACME1"].message == "It is frozen."
        assert "=2026-11-20.1" in engine.revision
        await engine.close()


# --- the same decisions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refused:
    """No decision, and why not; engines may give different reasons."""

    why: str


class Pair:
    """Both engines under the same settings, on an event loop of their own."""

    def __init__(self, module: WasmPolicyEngine, bundle: PolicyBundle) -> None:
        self._module = module
        self._bundle = bundle
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self._process = opa_server(SHIPPED[0])  # without settings: those are written here
        url = self._process.__enter__().url
        self._runner.run(self._open(url))
        self.settle(None)
        return self

    async def _open(self, url: str) -> None:
        self._server = await opened(url)
        path = url.removeprefix("unix://")
        self._session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(path))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._runner.run(self._close())
        self._runner.close()
        self._process.__exit__(None, None, None)

    async def _close(self) -> None:
        await self._server.close()
        await self._session.close()

    def settle(self, org: object) -> None:
        """Give both these settings; None for those that ship."""
        org = self._bundle.data["org"] if org is None else org
        self._module._policy.set_data(orjson.dumps({**self._bundle.data, "org": org}))
        self._runner.run(self._write(orjson.dumps(org)))

    async def _write(self, org: bytes) -> None:
        async with self._session.put("http://opa/v1/data/org", data=org) as response:
            assert response.status == 204

    def decide(self, documents: Sequence[Document]) -> list[tuple[object, object]]:
        """What each says: the decision, or that it refuses to say."""
        return self._runner.run(self._decide(documents))

    async def _decide(self, documents: Sequence[Document]) -> list[tuple[object, object]]:
        said = [(_decision(self._module, one), _decision(self._server, one)) for one in documents]
        answers = await asyncio.gather(*(call for both in said for call in both))
        return list(zip(answers[::2], answers[1::2], strict=True))

    def compare(self, documents: Iterable[Document]) -> None:
        """Fail on the first document that they see differently."""
        asked = list(documents)
        for document, (module, server) in zip(asked, self.decide(asked), strict=True):
            if not isinstance(module, Refused) or not isinstance(server, Refused):
                assert module == server, f"they differ about {json.dumps(document)}"


def _text(finding: object) -> str:
    return json.dumps(finding, sort_keys=True)


async def _decision(engine: PolicyEngine, document: Document) -> object:
    try:
        value = (await engine.evaluate(document)).value
    except PolicyUnavailable as fault:
        return Refused(f"{fault.reason}: {fault.detail}")
    assert isinstance(value, dict)
    return {**value, **{kind: sorted(value[kind], key=_text) for kind in FINDINGS}}


@pytest.fixture(scope="session")
def engines(shipped: PolicyBundle) -> Iterator[Pair]:
    """Both engines, under the settings that ship."""
    module = WasmPolicyEngine(shipped, timeout=SECONDS, patience=SECONDS)
    with Pair(module, shipped) as pair:
        yield pair
    asyncio.run(module.close())


@pytest.fixture
def pair(engines: Pair) -> Iterator[Pair]:
    """Both engines; the settings are put back."""
    yield engines
    engines.settle(None)


def at(document: Document, path: Sequence[Any], value: object) -> dict[str, Any]:
    """A copy with one member replaced, or taken out when the value is ABSENT."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every member at every depth."""
    if path:
        yield path
    if isinstance(value, Mapping):
        for name in value:
            yield from places(value[name], (*path, name))
    if isinstance(value, list):
        for index in range(len(value)):
            yield from places(value[index], (*path, index))


@pytest.fixture(scope="session")
def fixtures() -> dict[str, Any]:
    """What the Rego tests ask about, as the policies define it."""
    policies = str(ROOT / "policies")
    command = [
        find_opa(),
        "eval",
        "--bundle",
        policies,
        "--format",
        "raw",
        "data.inventory.testing",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_decisions_about_the_cases_of_the_module_are_the_same(pair):
    """Every row of its own table, and hostile text in every place that a client fills."""
    documents = [changed(pointer, value) for pointer, value, _ in CASES]
    for text in HOSTILE:
        documents += [at(PUT, path, text) for path in places(PUT) if path[0] != "environment"]
    pair.compare([PUT, DELETE, SSE_S3, {}, *documents])


def test_the_decisions_about_the_fixtures_of_the_policies_are_the_same(pair, fixtures):
    """Every member at every depth of a sound PUT and DELETE: missing, and of every wrong type."""
    wrong = [*fixtures["misfits"], ABSENT, False, -1, 2**31, 2**53 + 1, 2**63 - 1, 1.5, -0.0, 1e308]
    for sound in (fixtures["put"], fixtures["delete"]):
        pair.compare(at(sound, path, value) for path in places(sound) for value in wrong)


_texts = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_numbers = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 10**12]),
    st.floats(allow_nan=False, allow_infinity=False),
)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


def leaves(value: object) -> Iterator[object]:
    """Every value at the end of a path."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


#: Right in one place of a sound document, odd in every other.
_known = st.sampled_from([*leaves(PUT), "CSV", "Weekly", "All", "us-east-1"])


@st.composite
def questions(draw: Callable[..., Any], sound: Sequence[Document] = (PUT, DELETE)) -> Document:
    """A sound document in which up to four members are other, missing, or new."""
    document: Document = draw(st.sampled_from(sound))
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.sampled_from([*places(document)]))
        change = draw(st.sampled_from(["odd", "known", "gone", "new"]))
        if change == "gone" and len(document) > 1:
            document = at(document, path, ABSENT)
        elif change == "new" and isinstance(path[-1], str):
            document = at(document, (*path[:-1], draw(_texts)), draw(_values))
        else:
            document = at(document, path, draw(_known if change == "known" else _values))
    return document


#: 2 times 250 times 10 are the 5,000 comparisons that CI makes, beside those of the tables.
@pytest.mark.parametrize("sound", [PUT, DELETE], ids=["put", "delete"])
@settings(max_examples=250)
@given(data=st.data())
def test_the_decisions_about_generated_questions_are_the_same(engines, sound, data):
    """Whatever stands where, both say the same, or neither says anything."""
    engines.compare(data.draw(st.lists(questions((sound,)), min_size=10, max_size=10)))


CATALOG: Mapping[str, Any] = PolicyBundle.shipped().data["inventory"]["catalog"]
#: Without what makes a glob, since a broken one is where the engines do differ: see below.
_plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 2**53) | st.text("aA1*?/:-._", max_size=8) | _known,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=5,
)
_modes = st.sampled_from(["deny", "warn", "dryrun", "off", "dney", None, False, 7])


@st.composite
def rule_settings(draw: Callable[..., Any]) -> dict[str, Any]:
    """A mode and parameters of one rule, by the catalogue: as it says, or of a wrong type."""
    rule = draw(st.sampled_from(sorted(CATALOG)))
    values = {"mode": draw(_modes)} if draw(st.booleans()) else {}
    for name, parameter in CATALOG[rule]["parameters"].items():
        sound = [parameter.get("default"), *parameter.get("schema", {}).get("enum", [])]
        values[name] = draw(st.sampled_from(sound) | _plain_values)
    return {rule: values}


@st.composite
def organisations(draw: Callable[..., Any]) -> dict[str, Any]:
    """Settings as an organisation may write them, well or badly."""
    org: dict[str, Any] = {"revision": draw(st.sampled_from(["r", "", None, 7]))}
    rules: dict[str, Any] = {}
    for chosen in draw(st.lists(rule_settings(), max_size=4)):
        rules |= chosen
    org["inventory"] = {"defaults": {"mode": draw(_modes)}, "rules": rules}
    exemption = {**EXEMPTION, "rules": draw(st.lists(st.sampled_from(sorted(CATALOG))))}
    for name in draw(st.sets(st.sampled_from(sorted(EXEMPTION)), max_size=2)):
        exemption[name] = draw(_plain_values)
    org["exemptions"] = [exemption] if draw(st.booleans()) else draw(_plain_values)
    return org


@settings(max_examples=100)
@given(org=organisations(), documents=st.lists(questions(), min_size=8, max_size=8))
def test_the_decisions_under_generated_settings_are_the_same(engines, org, documents):
    """What an organisation writes means the same to both."""
    engines.settle(org)
    try:
        engines.compare([PUT, DELETE, SSE_S3, *documents])
    finally:
        engines.settle(None)


@pytest.mark.parametrize("pattern", ["[", "{a", "\\", "[z-a]"])
def test_a_broken_pattern_in_the_settings_allows_nothing_anywhere(pair, pattern):
    """The one difference: it matches nothing in the module, and the server refuses to decide."""
    exemption = {**EXEMPTION, "rules": sorted(CATALOG), "buckets": [pattern]}
    pair.settle({"revision": "r", "exemptions": [exemption]})
    bad = changed("destination/owner_verified", value=False)
    [(module, server)] = pair.decide([bad])
    assert isinstance(module, dict)
    assert (module["allow"], module["exempted"]) == (False, [])
    assert isinstance(server, Refused)
    assert "glob" in server.why  # in OPA's own words, with file and line
