"""The clients' keys in a dictionary."""

from dataclasses import dataclass, field

from gateway.core.ports import KnownKey


@dataclass(slots=True)
class FakeCredentialStore:
    """What was put in is found; `asked` is what was looked for."""

    known: dict[str, KnownKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def add(self, key: KnownKey) -> None:
        """Make a key known."""
        self.known[key.credential.access_key_id] = key

    def find(self, access_key_id: str) -> KnownKey | None:
        """Look a key up."""
        self.asked.append(access_key_id)
        return self.known.get(access_key_id)
