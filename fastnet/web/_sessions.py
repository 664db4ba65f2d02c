"""One session for each tab. There are only so many: the one that has been used least recently makes room."""

import secrets
import threading

from fastnet import TwoLayerNet
from fastnet.web._session import Digits, Session

MOST = 16  # sessions; each takes a few megabytes
MOST_TRAINING = 4  # at once: a training holds a connection, and browsers open six to one server for all tabs together


class Sessions:
    """The sessions by their names, which no other page can guess."""

    def __init__(self, first: TwoLayerNet, digits: Digits, most: int = MOST) -> None:
        self._first, self._digits, self._most = first, digits, most
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}  # those used last stand last

    def open(self) -> tuple[str, Session]:
        """Return a new session and its name. If there are too many, drop one; those that train are dropped last."""
        name, session = secrets.token_urlsafe(16), Session(self._first, self._digits)
        with self._lock:
            if len(self._sessions) >= self._most:
                dropped = min(self._sessions, key=lambda each: self._sessions[each].is_training)
                self._sessions.pop(dropped).end()
            self._sessions[name] = session
        return name, session

    def find(self, name: str) -> Session:
        """Return the session of this name. Raises `KeyError` if there is none, or none any more."""
        with self._lock:
            self._sessions[name] = session = self._sessions.pop(name)
        return session

    def may_train(self, session: Session) -> bool:
        """Whether fewer than `MOST_TRAINING` others train."""
        with self._lock:
            others = [each for each in self._sessions.values() if each is not session]
        return sum(each.is_training for each in others) < MOST_TRAINING

    def stop(self) -> None:
        """End the training of all sessions."""
        with self._lock:
            for session in self._sessions.values():
                session.end()
