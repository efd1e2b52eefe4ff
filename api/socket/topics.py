"""Who listens to what: one frame, made once, for everybody who joined a topic."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Protocol

from api.socket.protocol import text_frame


class Listener(Protocol):
    def push_frame(self, frame: bytes) -> None: ...


class Topics:
    """Topics appear with their first listener and go with their last."""

    def __init__(self) -> None:
        self._listeners: dict[Hashable, set[Listener]] = {}
        self._joined: dict[Listener, set[Hashable]] = {}

    def join(self, topic: Hashable, listener: Listener) -> None:
        self._listeners.setdefault(topic, set()).add(listener)
        self._joined.setdefault(listener, set()).add(topic)

    def leave(self, topic: Hashable, listener: Listener) -> None:
        listeners = self._listeners.get(topic)
        if listeners is not None:
            listeners.discard(listener)
            if not listeners:
                del self._listeners[topic]
        self._joined.get(listener, set()).discard(topic)

    def leave_all(self, listener: Listener) -> None:
        for topic in tuple(self._joined.get(listener, ())):
            self.leave(topic, listener)
        self._joined.pop(listener, None)

    def joined(self, listener: Listener) -> frozenset[Hashable]:
        return frozenset(self._joined.get(listener, ()))

    def has(self, topic: Hashable) -> bool:
        """Whether anybody listens: nothing is encoded for nobody."""
        return topic in self._listeners

    def with_listeners(self) -> Iterable[Hashable]:
        return tuple(self._listeners)

    def publish(self, topic: Hashable, payload: bytes) -> None:
        listeners = self._listeners.get(topic)
        if not listeners:
            return
        frame = text_frame(payload)
        for listener in tuple(listeners):
            listener.push_frame(frame)
