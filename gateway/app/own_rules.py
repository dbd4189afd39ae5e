"""An organisation's own rules: a folder beside the rules that ship, never in their place.

The folder holds `inventory/custom/<name>.rego`, a test beside each, and
`inventory/catalog/<ID>/data.yaml`; settings for an OPA server (`org/`, `.manifest`) may lie beside.
"""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.adapters.opa_command import OpaCommand, unpack
from gateway.app.bundle_build import SOURCES_NAME
from gateway.app.self_test import OWN_RULES
from gateway.core.policy.catalog_entry import entry_problems, is_own_id, is_rule_id

_OWN: Final = (
    re.compile(r"inventory/custom/[a-z][a-z0-9_]*\.rego"),
    re.compile(r"inventory/catalog/[^/]+/data\.yaml"),
)
#: For people, and for an OPA server that loads the folder as it is.
_BESIDE: Final = re.compile(r"org/.*|\.manifest|(?!inventory/).*\.(?:md|ya?ml|json|xml)")
_TEST: Final = "_test.rego"
_SETTINGS: Final = "org/data.yaml"
_MAIN: Final = "inventory/main/main.rego"
_ID: Final = re.compile(r'^id := "([^"]*)"$', re.MULTILINE)
_PLACE: Final = re.compile(
    r"^(?:[0-9]+ errors? occurred: )?([^\s:]+\.rego):([0-9]+): (.+)$", re.MULTILINE
)
#: What differs between the engines, is slow, or reads the world.
_BANNED: Final = re.compile(
    r"\b(?:sprintf|(?:time|rand|http|net|opa|regex|io|rego\.metadata)\.[a-z_.]+)"
)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the sources.

    Args:
        file: relative to the folder; empty where it is nowhere in particular.
        line: from 1; 0 for the file as a whole.
        what: is wrong.
    """

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        """`file:line: what`."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}" if place else self.what


class RuleFolder:
    """A folder of rules: an organisation's own, or a whole tree such as the one that ships.

    Args:
        folder: with `inventory` in it.

    Raises:
        OSError: there is no such folder.
    """

    def __init__(self, folder: Path) -> None:
        if not (folder / "inventory").is_dir():
            raise FileNotFoundError(
                2, "no folder of rules: it has no folder `inventory`", str(folder)
            )
        self.folder = folder
        self.is_whole = (folder / _MAIN).is_file()

    def merge_into(self, target: Path) -> Path:
        """Lay the rules beside those that ship.

        Args:
            target: an empty folder.

        Returns:
            The folder of the whole tree; a whole tree stays where it is.
        """
        if self.is_whole:
            return self.folder
        lay_out_shipped(target)
        (target / _SETTINGS).write_text(f"revision: {OWN_RULES}\n")
        for name in self._names():
            if any(kind.fullmatch(name) for kind in _OWN):
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.folder / name, target / name)
        return target

    def ids(self) -> dict[str, str]:
        """The file of each rule, by the rule's id."""
        return {rule: name for name in self._rules() for rule in _ID.findall(self._text(name))}

    def lint(self, tree: Path, opa: OpaCommand) -> list[Problem]:
        """Everything that is wrong, by file and line.

        Args:
            tree: the whole tree, as `merge_into` laid it out.
            opa: formats and checks.

        Raises:
            OpaCommandError: the formatter cannot read a file, or `opa` does not run.
        """
        problems = [*self._stray(), *self._misplaced(), *self._against_house_rules()]
        problems += self._catalogue_problems()
        shipped = resources.files("gateway.bundle").joinpath("input.schema.json")
        with resources.as_file(shipped) as schema:
            said = opa.check(tree.absolute(), schema)
        found = [Problem(name, int(line), what) for name, line, what in _PLACE.findall(said)]
        problems += found or ([Problem("", 0, said)] if said else [])
        if not said:  # the formatter stops at what the compiler has told
            names = opa.unformatted(self.folder)
            problems += [Problem(name, 0, "not formatted: opa fmt -w") for name in names]
        return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.what))

    def _names(self) -> list[str]:
        paths = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in paths)

    def _rules(self) -> list[str]:
        """The files that hold a rule."""
        where = re.compile(
            r"inventory/rules/[^/]+/[^/]+\.rego" if self.is_whole else _OWN[0].pattern
        )
        names = (name for name in self._names() if where.fullmatch(name))
        return [name for name in names if not name.endswith(_TEST)]

    def _text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def _stray(self) -> Iterator[Problem]:
        """What would not get into the bundle, or would change the rules that ship."""
        if self.is_whole:
            return
        for name in self._names():
            if not any(kind.fullmatch(name) for kind in (*_OWN, _BESIDE)):
                what = (
                    "only inventory/custom/NAME.rego and inventory/catalog/ID/data.yaml are taken"
                )
                yield Problem(name, 0, what)

    def _misplaced(self) -> Iterator[Problem]:
        """Nothing may come before a package but comments: the first word tells it for certain.

        Of a whole tree the entrypoint, its views, tests and fixtures are where they belong.
        """
        for name in self._rules() if self.is_whole else self._names():
            if not name.endswith(".rego"):
                continue
            lines = enumerate(self._text(name).splitlines(), 1)
            code = [(number, line) for number, line in lines if line and not line.startswith("#")]
            number, first = code[0] if code else (1, "")
            package = name.removesuffix(".rego").replace("/", ".")
            if first != f"package {package}":
                yield Problem(name, number, f"the package must be {package}, as the path is")
            if not name.endswith(_TEST) and not _has_metadata(self._text(name)):
                yield Problem(name, 1, "METADATA with a title must stand above the package")

    def _against_house_rules(self) -> Iterator[Problem]:
        for name in self._names():
            if name.endswith(".rego"):
                for number, line in enumerate(self._text(name).splitlines(), 1):
                    for word in _BANNED.findall("" if line.lstrip().startswith("#") else line):
                        yield Problem(
                            name, number, f"{word}: the engines differ, or it is not pure"
                        )

    def _catalogue_problems(self) -> Iterator[Problem]:
        seen: dict[str, str] = {}
        for name in self._rules():
            ids = _ID.findall(self._text(name))
            if len(ids) != 1:
                yield Problem(name, 1, 'the rule must name itself once: id := "ORG001"')
                continue
            if ids[0] in seen:
                yield Problem(name, 1, f"{ids[0]} is the id of {seen[ids[0]]}, too")
            seen[ids[0]] = name
            known = is_rule_id(ids[0]) if self.is_whole else is_own_id(ids[0])
            if not known:
                what = "an id is a prefix of the organisation's own, not INV, and digits: ORG001"
                yield Problem(name, 1, f"{ids[0]}: {what}")
            if not (self.folder / f"inventory/catalog/{ids[0]}/data.yaml").is_file():
                yield Problem(
                    name, 1, f"{ids[0]} has no entry inventory/catalog/{ids[0]}/data.yaml"
                )
            if not (self.folder / name.replace(".rego", _TEST)).is_file():
                yield Problem(name, 1, "there is no test beside it")
        for path in sorted(self.folder.glob("inventory/catalog/*/data.yaml")):
            name, rule = path.relative_to(self.folder).as_posix(), path.parent.name
            if rule not in seen:
                yield Problem(name, 0, f"no rule has the id {rule}")
            yield from (Problem(name, 0, what) for what in entry_problems(_entry(path)))


def lay_out_shipped(target: Path) -> None:
    """Write the sources of the shipped rules into an empty folder."""
    archive = resources.files("gateway.bundle").joinpath(SOURCES_NAME).read_bytes()
    for name, content in unpack(archive).items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)


def tree_data(tree: Path) -> dict[str, Any]:
    """The data of a whole tree, as a bundle of it would hold them."""
    entries = sorted(tree.glob("inventory/catalog/*/data.yaml"))
    catalog = {path.parent.name: _entry(path) for path in entries}
    return {"inventory": {"catalog": catalog}, "org": _entry(tree / _SETTINGS)}


def _entry(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_bytes())
    except yaml.YAMLError:
        return None


def _has_metadata(text: str) -> bool:
    """Whether the annotations of the package have a title (https://www.openpolicyagent.org/docs/policy-language#annotations)."""
    head = text.partition("\npackage ")[0].splitlines()
    return "# METADATA" in head and any(line.startswith("# title: ") for line in head)
