"""Object graphs as JSON and back: how the sandbox keeps, copies and restores state without pickle.

A document is a table of nodes. Whatever is not a plain number, text, truth value or None stands in the table once and
is referred to by its index, so that two names for one object stay two names for one object. Only classes of the
modules in ``ALLOWED_MODULES`` are ever looked up, and none of their constructors runs: a foreign file can fill
attributes of our own records, and do nothing else.

Dictionaries are read and written as plain dictionaries whatever their class overrides: moto's key store answers
``items()`` with the newest version of each key only, and ``copy.deepcopy`` loses the others.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import enum
import importlib
import re
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, Final

FORMAT: Final = 1

#: Modules whose classes may appear in a document. moto's are named, never imported here.
ALLOWED_MODULES: Final = re.compile(
    r"lab\.sandbox(\.[a-z0-9_]+)*"
    r"|moto\.(s3|iam)\.(models|utils)|moto\.utilities\.(tagging_service|utils)|moto\.core\.(base_backend|common_models)"
    r"|requests\.structures"
)

Document = dict[str, Any]

_PLAIN = (str, int, bool, type(None), float)
_LOCKS: Final[dict[type, str]] = {type(threading.Lock()): "lock", type(threading.RLock()): "rlock"}
_NEW_LOCKS: Final[dict[str, Callable[[], Any]]] = {"lock": threading.Lock, "rlock": threading.RLock}
_BUILT_IN: Final[dict[str, type]] = {"list": list, "dict": dict, "set": set, "odict": OrderedDict, "deque": deque}
_BUILT_IN_NAMES: Final = {kind: name for name, kind in _BUILT_IN.items()}
_MISSING: Final = object()


class NotKeepableError(TypeError):
    """Something in the graph is of a class that documents do not hold: a fault of the sandbox."""


class ForeignDocumentError(ValueError):
    """The document is damaged, of another format, or names what it must not."""


def encode(root: object, externals: Mapping[str, object] | None = None) -> Document:
    """The graph that hangs on ``root``, as a JSON document.

    Args:
        root: Where to begin.
        externals: Objects that are referred to by name and not kept, such as the clock.

    Raises:
        NotKeepableError: The graph holds an object of a class that is not allowed.
    """
    encoder = _Encoder(externals or {})
    reference = encoder.reference(root)
    return {"format": FORMAT, "root": reference, "nodes": encoder.nodes}


def decode(document: Document, externals: Mapping[str, object] | None = None) -> Any:
    """The graph of a document, as new objects.

    Raises:
        ForeignDocumentError: It is damaged, of another format, or names a class that is not allowed.
    """
    try:
        if document["format"] != FORMAT:
            raise ForeignDocumentError(f"format {document['format']!r} instead of {FORMAT}")
        return _Decoder(document["nodes"], externals or {}).value(document["root"])
    except ForeignDocumentError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ForeignDocumentError(f"damaged: {type(error).__name__}") from error


def attributes(value: object) -> dict[str, Any]:
    """The attributes that make up an object: what its ``__getstate__`` gives, or its slots and ``__dict__``."""
    kind = type(value)
    if kind.__getstate__ is not object.__getstate__ and not dataclasses.is_dataclass(value):
        state = value.__getstate__()
        if not isinstance(state, dict):
            raise NotKeepableError(f"{_class_name(kind)}: its state is not a dictionary")
        return state
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"} and (item := getattr(value, name, _MISSING)) is not _MISSING:
                found[name] = item
    found.update(getattr(value, "__dict__", {}))
    return found


class _Encoder:
    """One document in the making."""

    def __init__(self, externals: Mapping[str, object]) -> None:
        self.nodes: list[Any] = []
        self._seen: dict[int, int] = {}
        self._alive: list[object] = []  # ids are only unique among living objects
        self._externals = {id(item): name for name, item in externals.items()}

    def reference(self, value: Any) -> Any:
        """A plain value itself, or ``[index]`` of its node."""
        if type(value) in _PLAIN:
            return value
        index = self._seen.get(id(value))
        if index is None:
            index = len(self.nodes)
            self._seen[id(value)] = index
            self._alive.append(value)
            self.nodes.append(None)
            self.nodes[index] = self._node(value)
        return [index]

    def _node(self, value: Any) -> list[Any]:
        if (name := self._externals.get(id(value))) is not None:
            return ["external", name]
        kind = type(value)
        if kind is list or kind is set or kind is deque:
            return [_BUILT_IN_NAMES[kind], [self.reference(item) for item in value]]
        if kind is dict or kind is OrderedDict:
            return [_BUILT_IN_NAMES[kind], self._pairs(value)]
        if kind is tuple or kind is frozenset:
            return [kind.__name__, [self.reference(item) for item in value]]
        return self._scalar(value) or self._object(value)

    def _pairs(self, value: dict[Any, Any]) -> list[list[Any]]:
        plain = _plain(value)
        return [[self.reference(key), self.reference(item)] for key, item in plain.items(value)]

    def _scalar(self, value: Any) -> list[Any] | None:
        if isinstance(value, (bytes, bytearray)):
            return [type(value).__name__, base64.b64encode(value).decode()]
        if isinstance(value, enum.Enum):
            return ["enum", _allowed_name(type(value)), value.name]
        if isinstance(value, (dt.datetime, dt.date)):
            return ["datetime" if isinstance(value, dt.datetime) else "date", value.isoformat()]
        if isinstance(value, dt.timedelta):
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if isinstance(value, dt.timezone):
            return ["timezone", value.utcoffset(None).total_seconds()]
        if isinstance(value, re.Pattern):
            return ["pattern", value.pattern, value.flags]
        if isinstance(value, PurePath):
            return ["path", str(value)]
        if type(value) in _LOCKS:
            return [_LOCKS[type(value)]]
        if type(value).__module__.startswith("cryptography."):
            return _private_key(value)
        if isinstance(value, type):
            return ["class", _allowed_name(value)]
        return None

    def _object(self, value: Any) -> list[Any]:
        kind = type(value)
        if kind is defaultdict:
            return ["defaultdict", self.reference(_factory_name(value.default_factory)), self._pairs(value)]
        name = _allowed_name(kind)
        state = [[key, self.reference(item)] for key, item in attributes(value).items()]
        if isinstance(value, dict):
            return ["object", name, state, self._pairs(value)]
        if isinstance(value, (list, tuple)):
            items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
            return ["object", name, state, [self.reference(item) for item in items]]
        return ["object", name, state]


class _Decoder:
    """One document being read; every node becomes one object, once."""

    def __init__(self, nodes: list[Any], externals: Mapping[str, object]) -> None:
        self._nodes = nodes
        self._externals = externals
        self._made: dict[int, Any] = {}

    def value(self, reference: Any) -> Any:
        if not isinstance(reference, list):
            return reference
        (index,) = reference
        if index in self._made:
            return self._made[index]
        return self._make(index, *self._nodes[index])

    def _make(self, index: int, tag: str, *rest: Any) -> Any:
        made: Any
        if tag in _BUILT_IN:
            made = self._made[index] = _BUILT_IN[tag]()
            self._fill(made, rest[0])
        elif tag in {"tuple", "frozenset"}:
            items = (self.value(item) for item in rest[0])
            made = self._made[index] = tuple(items) if tag == "tuple" else frozenset(items)
        elif tag == "object":
            made = self._object(index, *rest)
        elif tag == "defaultdict":
            made = self._made[index] = defaultdict(_FACTORIES[self.value(rest[0])])
            self._fill(made, rest[1])
        elif tag == "external":
            made = self._made[index] = self._externals[rest[0]]
        else:
            made = self._made[index] = _SCALARS[tag](*rest)
        return made

    def _fill(self, made: Any, items: list[Any]) -> None:
        if isinstance(made, dict):
            plain = _plain(made)
            for key, item in items:
                plain.__setitem__(made, self.value(key), self.value(item))
        elif isinstance(made, set):
            made.update(self.value(item) for item in items)
        else:
            made.extend(self.value(item) for item in items)

    def _object(self, index: int, name: str, state: list[Any], items: list[Any] | None = None) -> Any:
        kind = _allowed_class(name)
        if issubclass(kind, tuple):
            self._made[index] = tuple.__new__(kind, [self.value(item) for item in items or ()])
            return self._made[index]
        # The plain constructors: moto's own put every object into a list that keeps it for ever.
        base = next(base for base in (OrderedDict, dict, list, set, object) if issubclass(kind, base))
        made: Any = base.__new__(kind)
        self._made[index] = made
        if items is not None:
            self._fill(made, items)
        _set_attributes(made, {key: self.value(item) for key, item in state})
        return made


def _set_attributes(made: Any, state: dict[str, Any]) -> None:
    """Fill a new object; members that a record gained since the document was written get their defaults."""
    if dataclasses.is_dataclass(made):
        for member in dataclasses.fields(made):
            if member.name in state:
                item = state[member.name]
            elif member.default is not dataclasses.MISSING:
                item = member.default
            elif member.default_factory is not dataclasses.MISSING:
                item = member.default_factory()
            else:
                raise ForeignDocumentError(f"{type(made).__name__} lacks {member.name}")
            object.__setattr__(made, member.name, item)
        extra = {key: item for key, item in state.items() if key not in made.__dataclass_fields__}
        getattr(made, "__dict__", {}).update(extra)
    elif hasattr(made, "__setstate__"):
        made.__setstate__(state)
    else:
        for key, item in state.items():
            object.__setattr__(made, key, item)


def _plain(value: dict[Any, Any]) -> type[dict[Any, Any]]:
    """The class whose methods read and write a dictionary as it is: an ordered one keeps its order beside it."""
    return OrderedDict if isinstance(value, OrderedDict) else dict


def _class_name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _allowed_name(kind: type) -> str:
    name = _class_name(kind)
    if ALLOWED_MODULES.fullmatch(kind.__module__) is None or "<locals>" in name:
        raise NotKeepableError(f"objects of {name} cannot be kept")
    return name


def _allowed_class(name: str) -> type:
    module, _, path = name.partition(":")
    if ALLOWED_MODULES.fullmatch(module) is None:
        raise ForeignDocumentError(f"it names {name}")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ForeignDocumentError(f"it names {name}, which is not there") from error
    if not isinstance(found, type) or found.__module__ != module:
        raise ForeignDocumentError(f"it names {name}, which is not a class of that module")
    return found


_FACTORIES: Final[dict[str | None, Callable[[], Any] | None]] = {
    None: None, "list": list, "dict": dict, "set": set, "int": int, "str": str,
}  # fmt: skip


def _factory_name(factory: object) -> str | None:
    for name, known in _FACTORIES.items():
        if known is factory:
            return name
    raise NotKeepableError("a defaultdict with a factory of its own cannot be kept")


def _private_key(value: Any) -> list[Any] | None:
    from cryptography.hazmat.primitives import serialization

    if not hasattr(value, "private_bytes"):
        return None
    der = value.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return ["private-key", base64.b64encode(der).decode()]


def _load_private_key(text: str) -> Any:
    from cryptography.hazmat.primitives import serialization

    return serialization.load_der_private_key(base64.b64decode(text), password=None)


_SCALARS: Final[dict[str, Callable[..., Any]]] = {
    "bytes": base64.b64decode,
    "bytearray": lambda text: bytearray(base64.b64decode(text)),
    "enum": lambda name, member: _allowed_class(name)[member],  # type: ignore[index]
    "class": _allowed_class,
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "timedelta": dt.timedelta,
    "timezone": lambda seconds: dt.timezone(dt.timedelta(seconds=seconds)),
    "pattern": re.compile,
    "path": Path,
    "private-key": _load_private_key,
    **_NEW_LOCKS,
}
