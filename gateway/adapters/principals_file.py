"""The clients' keys in a YAML file that only its owner may read.

A file of root's may be readable by a group as well, where the gateway is not root: that is how
Kubernetes mounts a Secret for the `fsGroup` of a pod, and how a service is handed a key elsewhere.

Everything that is wrong with a file is said at once, by its place in the file, and no message
quotes a value that might be a secret.
"""

import base64
import os
import re
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import yaml

from gateway.core.ports import KnownKey, Principal
from gateway.core.s3.operations import DEFAULT_GROUPS, Group
from gateway.core.sigv4.credential import Credential

_MAX_BYTES: Final = 1024 * 1024
_MIN_SECRET: Final = 16
_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_ACCESS_KEY_ID: Final = re.compile(r"[\w.-]{3,128}", re.ASCII)
_SECRET: Final = re.compile(r"[!-~]{1,4096}")
_GLOB: Final = re.compile(r"[A-Za-z0-9._*?-]{1,63}")
_ROLE: Final = re.compile(r"arn:aws(-[a-z]+)*:iam::[0-9]{12}:role/[\w+=,.@/-]{1,576}", re.ASCII)
_SECRETS: Final = ("secret_access_key", "session_token")
_MEMBERS: Final = frozenset(
    {"name", "access_key_id", "buckets", "destinations", "groups", "role_arn", "unsigned_payload"}
) | {secret + form for secret in _SECRETS for form in ("", "_file", "_env")}

_Stamp = tuple[int, int, int] | None


class PrincipalsError(ValueError):
    """The file cannot be used.

    Args:
        path: the file, or what is to go into it.
        problems: each as `where: what`.
    """

    def __init__(self, path: Path | str, problems: Sequence[str]) -> None:
        super().__init__("\n  - ".join((f"{path} cannot be used:", *problems)))
        self.problems = tuple(problems)


class PrincipalsFile:
    """Known keys by access key id. Made by `load`; replaced as a whole by `reload`.

    Args:
        path: the YAML file.
        environ: the environment, for `..._env` members.
    """

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.path = path
        self._environ = environ
        self._known: Mapping[str, KnownKey] = {}
        self._stamps: Mapping[Path, _Stamp] = {}

    @classmethod
    def load(cls, path: Path, environ: Mapping[str, str]) -> Self:
        """Read the file.

        Raises:
            PrincipalsError: every problem at once.
        """
        store = cls(path, environ)
        store.reload()
        return store

    def find(self, access_key_id: str) -> KnownKey | None:
        """Look a key up; None where it is not known."""
        return self._known.get(access_key_id)

    @property
    def principals(self) -> tuple[Principal, ...]:
        """Who is known, in the order of the file."""
        return tuple(key.principal for key in self._known.values())

    def changed(self) -> tuple[object, ...]:
        """What the files look like, by a few stat calls; empty where the last load saw the same."""
        stamps = {path: _stamp(path) for path in self._stamps}
        return () if stamps == self._stamps else tuple(stamps.values())

    def reload(self) -> None:
        """Read the file again and swap all keys at once; the old ones stay where it fails.

        Raises:
            PrincipalsError: every problem at once.
        """
        reading = _Reading(self.path, self._environ)
        try:
            known = reading.known_keys()
        finally:
            self._stamps = reading.stamps  # a bad file is reported once, not at every poll
        if reading.problems:
            raise PrincipalsError(self.path, reading.problems)
        self._known = known


def mint_key_pair(random_bytes: Callable[[int], bytes]) -> Credential:
    """Make a key pair: 90 and 240 random bits.

    Args:
        random_bytes: a cryptographic source, such as `secrets.token_bytes`.
    """
    public = base64.b32encode(random_bytes(12)).decode()[:18]
    return Credential("GW" + public, base64.b64encode(random_bytes(30)).decode())


def principal_entry(name: str, credential: Credential, buckets: Sequence[str]) -> str:
    """Write an entry of the file as YAML text, to go below `principals:`.

    Raises:
        PrincipalsError: a gateway would not take it.
    """
    entry = {
        "name": name,
        "access_key_id": credential.access_key_id,
        "secret_access_key": credential.secret_access_key,
        "buckets": list(buckets),
    }
    draft = _Draft(entry, "principal", [])
    _principal_name(draft)
    _globs(draft, "buckets")
    if draft.problems:
        raise PrincipalsError("the new entry", draft.problems)
    text: str = yaml.safe_dump([entry], sort_keys=False, default_flow_style=None, width=1000)
    return "".join(f"  {line}\n" for line in text.splitlines())


def append_principal(path: Path, name: str, credential: Credential, buckets: Sequence[str]) -> None:
    """Add an entry at the end of the file, which is created if need be; comments stay.

    The new text is read back before it replaces the old, atomically and with mode 0600.

    Raises:
        PrincipalsError: the result would not be a good list; nothing was written.
        OSError: the file cannot be written.
    """
    entry = principal_entry(name, credential, buckets)
    place = f"principals (adding {name})"
    if not path.parent.is_dir():
        problem = f"{place}: the directory {path.parent} does not exist; create it"
        raise PrincipalsError(path, [problem])
    try:
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        old = old if old.strip() else "principals:\n"
        new = old + ("" if old.endswith("\n") else "\n") + entry
        entries = _compose(new)["principals"]
    except UnicodeDecodeError as fault:
        raise PrincipalsError(path, [f"{place}: the file is not UTF-8"]) from fault
    except (yaml.YAMLError, RecursionError, KeyError, TypeError) as fault:
        problem = (
            f"{place}: cannot be appended; the file must end with the list `principals:`, with "
            "two spaces before each dash"
        )
        raise PrincipalsError(path, [problem]) from fault
    key = credential.access_key_id
    if sum(entry.get("access_key_id") == key for entry in entries) != 1:
        raise PrincipalsError(path, [f"{place}: the access key id is there already"])
    draft = path.with_name(f".{path.name}.{key}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(new)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@dataclass(slots=True)
class _Draft:
    """One entry on its way: what is wrong goes to `problems` under its place."""

    entry: Mapping[str, Any]
    place: str
    problems: list[str]

    def wrong(self, member: str, what: str) -> None:
        self.problems.append(f"{self.place}.{member}: {what}")

    def text(self, member: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.entry.get(member)
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            self.wrong(member, f"must be {what}" if member in self.entry else "is missing")
            return ""
        return value

    def texts(self, member: str) -> list[str]:
        value = self.entry.get(member)
        if not isinstance(value, list) or not value or not all(type(i) is str for i in value):
            self.wrong(member, "must be a list of strings that is not empty")
            return []
        return value


class _Reading:
    """One pass over the file and the secret files it names."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self.problems: list[str] = []
        self.stamps: dict[Path, _Stamp] = {}
        self._path = path
        self._environ = environ

    def known_keys(self) -> dict[str, KnownKey]:
        known: dict[str, KnownKey] = {}
        for index, entry in enumerate(self._entries()):
            place = f"principals[{index}]"
            if not isinstance(entry, dict):
                self.problems.append(f"{place}: must be a mapping")
                continue
            draft = _Draft(entry, place, self.problems)
            key = self._known_key(draft)
            key_id = key.credential.access_key_id
            if key_id in known:
                draft.wrong("access_key_id", f"{key_id} is used twice")
            known[key_id or place] = key
        return known

    def _entries(self) -> list[Any]:
        text = self._read(self._path, "the file")
        if text is None:
            if not self._path.exists():
                self.problems.append(
                    "make one, with a first key: inventory-gateway keys new NAME --bucket GLOB "
                    f"--file {self._path}"
                )
            return []
        try:
            document = _compose(text)
        except yaml.MarkedYAMLError as fault:
            mark = fault.problem_mark
            where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
            # The parser's own words may quote the value it stumbled over.
            self.problems.append(
                f"not plain YAML{where}; quote values that hold special characters"
            )
            return []
        except (yaml.YAMLError, RecursionError, ValueError):
            self.problems.append("not plain YAML")
            return []
        entries = document.get("principals") if isinstance(document, dict) else None
        if not isinstance(entries, list) or len(document) != 1:
            self.problems.append("must hold `principals:`, a list, and nothing else")
            return []
        if not entries:
            self.problems.append("principals: must not be empty")
        return entries

    def _known_key(self, draft: _Draft) -> KnownKey:
        for member in draft.entry:
            if member not in _MEMBERS:
                draft.wrong(str(member)[:40], "unknown member")
        name = _principal_name(draft)
        key_id = draft.text("access_key_id", _ACCESS_KEY_ID, "3 to 128 letters, digits and ._-")
        secret = self._secret(draft, "secret_access_key") or ""
        token = self._secret(draft, "session_token")
        buckets = _globs(draft, "buckets")
        destinations = _globs(draft, "destinations") if "destinations" in draft.entry else ()
        role = None
        if "role_arn" in draft.entry:
            role = draft.text("role_arn", _ROLE, "arn:aws:iam::ACCOUNT:role/NAME")
        groups = _groups(draft)
        principal = Principal(
            name, buckets, groups, role, destinations, unsigned_payload=_unsigned_payload(draft)
        )
        return KnownKey(Credential(key_id, secret, token), principal)

    def _secret(self, draft: _Draft, member: str) -> str | None:
        forms = [
            form for form in (member, f"{member}_file", f"{member}_env") if form in draft.entry
        ]
        required = member == "secret_access_key"
        if len(forms) != 1:
            if forms or required:
                draft.wrong(member, f"give one of {member}, {member}_file, {member}_env")
            return None
        form, value = forms[0], draft.entry[forms[0]]
        if not isinstance(value, str):
            draft.wrong(form, "must be a string; put it in quotes")
            return None
        found: str | None = value
        if form.endswith("_env"):
            found = self._environ.get(value)
            if not found:
                draft.wrong(form, f"the environment has no {value[:64]!r}, or an empty one")
                return None
        elif form.endswith("_file"):
            found = self._read(self._path.parent / value, f"{draft.place}.{form}")
            if found is None:
                return None
            found = found.rstrip("\r\n")
        if found is None or _SECRET.fullmatch(found) is None:
            draft.wrong(form, "must hold printable ASCII without spaces")
        elif required and len(found) < _MIN_SECRET:
            draft.wrong(form, f"is too short: at least {_MIN_SECRET} characters")
        return found

    def _read(self, path: Path, place: str) -> str | None:
        """The text of a file that only its owner may read; None after a problem."""
        self.stamps[path] = _stamp(path)
        try:
            # An opener: of a folder, `os.fdopen` would leave the descriptor open for ever.
            with open(path, "rb", opener=_at_once) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    self.problems.append(f"{place}: {path} is not a regular file")
                    return None
                if status.st_mode & _forbidden(status.st_uid, os.geteuid()):
                    mode = stat.S_IMODE(status.st_mode)
                    what = f"mode {mode:04o} lets others in; chmod 600 {path}"
                    self.problems.append(f"{place}: {what}")
                raw = file.read(_MAX_BYTES + 1)
        except OSError as fault:
            self.problems.append(f"{place}: {path}: {fault.strerror}")
            return None
        if len(raw) > _MAX_BYTES:
            self.problems.append(f"{place}: {path} is larger than {_MAX_BYTES} bytes")
            return None
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.problems.append(f"{place}: {path} is not UTF-8")
            return None


def _forbidden(owner: int, user: int) -> int:
    """The bits that let others in; to read what is root's, a group was let in by root."""
    return 0o037 if owner == 0 != user else 0o077


def _principal_name(draft: _Draft) -> str:
    return draft.text("name", _NAME, "2 to 64 letters, digits and +=,.@_- in quotes")


def _globs(draft: _Draft, member: str) -> tuple[str, ...]:
    globs = draft.texts(member)
    for glob in globs:
        if _GLOB.fullmatch(glob) is None:
            draft.wrong(member, f"{glob[:70]!r} is no glob of bucket names (* and ? only)")
    return tuple(globs)


def _groups(draft: _Draft) -> frozenset[Group]:
    if "groups" not in draft.entry:
        return DEFAULT_GROUPS
    grantable = {group.value: group for group in Group if group is not Group.REFUSED}
    names = draft.texts("groups")
    for name in names:
        if name not in grantable:
            draft.wrong("groups", f"{name[:40]!r} is none of {', '.join(sorted(grantable))}")
    return frozenset(grantable[name] for name in names if name in grantable)


def _unsigned_payload(draft: _Draft) -> bool:
    choice = draft.entry.get("unsigned_payload", "allow")
    if choice not in ("allow", "deny"):
        draft.wrong("unsigned_payload", "must be allow or deny")
    return bool(choice == "allow")


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _at_once(path: str, flags: int) -> int:
    """O_NONBLOCK: opening a FIFO must not hang."""
    return os.open(path, flags | os.O_NONBLOCK)


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases (the billion laughs) and without members given twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.get_mark()
            raise yaml.constructor.ConstructorError(problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                raise yaml.constructor.ConstructorError(problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _compose(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()
