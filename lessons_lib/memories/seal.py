"""Stored state with a seal: who does not have the key can read it, and not change it unseen.

A seal is a keyed hash of what is stored. It says nothing of what is missing, nor of the place where
it is stored: whoever can write to the files can still delete a checkpoint, or put an old one back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from langgraph.checkpoint.serde.base import SerializerProtocol
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.sqlite import SqliteStore

SHORTEST = 16
"""Bytes of a key that nobody guesses."""


class Tampered(Exception):
    """What is stored is not what was sealed."""


class Seal:
    """Makes seals with a key, and breaks off where one does not fit.

    >>> seal = Seal(b"sixteen bytes ok")
    >>> seal.check(b"Ada", seal.of(b"Ada"))
    >>> seal.check(b"Eve", seal.of(b"Ada"))
    Traceback (most recent call last):
    ...
    lessons_lib.memories.seal.Tampered: b'Eve' is not what was sealed: changed, or another key
    """

    def __init__(self, key: bytes) -> None:
        """Keep the key; raises ValueError when it is no key."""
        if not isinstance(key, bytes) or len(key) < SHORTEST:
            told = f"{len(key)} bytes" if isinstance(key, bytes) else type(key).__name__
            raise ValueError(
                f"the key is {told}: give {SHORTEST} bytes or more, as secrets.token_bytes() does"
            )
        self._key = key

    def of(self, data: bytes) -> bytes:
        """Return the seal of some bytes: 32 bytes."""
        return hmac.digest(self._key, data, hashlib.sha256)

    def check(self, data: bytes, seal: bytes) -> None:
        """Raise Tampered when the seal is not that of these bytes."""
        # == would be over sooner where the first bytes differ: who forges could measure that.
        if not hmac.compare_digest(seal, self.of(data)):
            raise Tampered(f"{data[:20]!r} is not what was sealed: changed, or another key")

    def on(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return a store's item with its seal."""
        return {**item, "seal": self.of(_bytes_of(item)).hex()}

    def off(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the item without its seal; raises Tampered when that does not fit."""
        value = dict(item)
        seal = str(value.pop("seal", ""))
        hexadecimal = len(seal) == 64 and set(seal) <= set("0123456789abcdef")
        self.check(_bytes_of(value), bytes.fromhex(seal) if hexadecimal else b"")
        return value


class SealedSerializer(SerializerProtocol):
    """Writes as LangGraph does, with a seal before it; reads nothing whose seal does not fit.

    >>> serializer = SealedSerializer(Seal(b"sixteen bytes ok"))
    >>> kind, stored = serializer.dumps_typed({"name": "Ada"})
    >>> serializer.loads_typed((kind, stored))
    {'name': 'Ada'}
    >>> serializer.loads_typed((kind, stored.replace(b"Ada", b"Eve")))
    Traceback (most recent call last):
    ...
    lessons_lib.memories.seal.Tampered: ... is not what was sealed: changed, or another key
    """

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        # Strict as well: no class is called that LangGraph does not know as harmless.
        self._plain = JsonPlusSerializer(allowed_msgpack_modules=None)

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """Return the kind of the bytes, and the bytes after their seal."""
        kind, data = self._plain.dumps_typed(obj)
        return kind, self._seal.of(_sealed(kind, data)) + data

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return what was stored; raises Tampered before anything is made of it."""
        kind, stored = data
        seal, stored = stored[:32], stored[32:]
        self._seal.check(_sealed(kind, stored), seal)
        return self._plain.loads_typed((kind, stored))


def _sealed(kind: str, data: bytes) -> bytes:
    # With a mark between the two: else a byte could be moved from one to the other.
    return kind.encode() + b":" + data


class SealedStore(SqliteStore):
    """A store whose items have a seal of their own: an item that was changed is not returned."""

    def __init__(self, connection: sqlite3.Connection, seal: Seal) -> None:
        super().__init__(connection, deserializer=self._checked)
        self._seal = seal

    def put(
        self, namespace: tuple[str, ...], key: str, value: Any, *rest: Any, **more: Any
    ) -> None:
        """Store an item with its seal."""
        super().put(namespace, key, self._seal.on(value), *rest, **more)

    def _checked(self, stored: Any) -> dict[str, Any]:
        return self._seal.off(json.loads(stored))


def _bytes_of(value: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(value), sort_keys=True).encode()
