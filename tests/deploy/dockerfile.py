"""The Dockerfile as data: its stages and their instructions, in order."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word in capitals, and the rest of its line."""

    word: str
    rest: str

    @property
    def command(self) -> list[str]:
        """What it runs: the exec form as it is, the shell form in a shell."""
        return json.loads(self.rest) if self.rest.startswith("[") else ["sh", "-c", self.rest]

    @property
    def pairs(self) -> dict[str, str]:
        """Of ARG, ENV and LABEL: names and values."""
        pairs = re.findall(r'([\w.-]+)=("[^"]*"|\S*)', self.rest)
        return {name: value.strip('"') for name, value in pairs}


@dataclass(frozen=True, slots=True)
class Stage:
    """What follows one FROM."""

    base: str
    instructions: Sequence[Instruction]

    def all(self, word: str) -> list[Instruction]:
        """Its instructions of that word."""
        return [item for item in self.instructions if item.word == word]

    def only(self, word: str) -> Instruction:
        """Its one instruction of that word."""
        (found,) = self.all(word)
        return found

    def merged(self, word: str) -> Mapping[str, str]:
        """All pairs of its ARG, ENV or LABEL."""
        return {name: value for item in self.all(word) for name, value in item.pairs.items()}


def stages(path: Path = ROOT / "Dockerfile") -> list[Stage]:
    """Read the file; what stands before the first FROM is a stage without a base."""
    found = [Stage("", [])]
    for item in _instructions(path.read_text()):
        if item.word == "FROM":
            found.append(Stage(item.rest.partition(" AS ")[0], []))
        else:
            found[-1] = Stage(found[-1].base, [*found[-1].instructions, item])
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.strip().partition(" ")
        yield Instruction(word, " ".join(rest.split()))
