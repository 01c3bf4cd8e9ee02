"""urllib3 within bounds: connecting, TLS, sending and reading end when a request's time is over.

The timeouts of urllib3 and requests are for each step: a server that sends a byte now and then, or
`100 Continue` without end, never meets them. Here each step gets what remains of the time.
"""

from __future__ import annotations

import io
import socket
import threading
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any, Final

from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import Retry
from urllib3.util.connection import allowed_gai_family, create_connection

from analyzer.prometheus.bounds import current_allowance

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection as _Connection
    from urllib3.poolmanager import PoolManager
else:
    _Connection = object

_READ_BYTES: Final = 65_536


class _Received(io.RawIOBase):
    """The bytes of an answer, read within what its request may take."""

    def __init__(self, connected: socket.socket, raw: io.RawIOBase) -> None:
        self._connected, self._raw = connected, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - what io gives it
        allowance = current_allowance()
        if allowance is None:
            return self._raw.readinto(buffer)
        self._connected.settimeout(allowance.seconds_left())
        count = self._raw.readinto(buffer)
        allowance.received(count or 0)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of http.client
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Received(sock, self.fp.detach()), _READ_BYTES)
        if (allowance := current_allowance()) is not None:
            allowance.opened = self


class _Bounded(_Connection):
    """Reads and sends within the time of the request."""

    response_class = _Answer

    def send(self, data: Any) -> None:  # noqa: ANN401 - what http.client sends
        allowance = current_allowance()
        if allowance and self.sock is not None:
            self.sock.settimeout(allowance.seconds_left())
            allowance.is_connected = True
        super().send(data)


class _Direct(_Bounded):
    """Connects within the time of the request as well, its look-up of the name included."""

    def _new_conn(self) -> socket.socket:
        allowance = current_allowance()
        if allowance is None:
            return super()._new_conn()
        failure: Exception | None = None
        try:
            addresses = _addresses(self._dns_host, self.port, allowance.seconds_left())
            for place, address in enumerate(addresses):
                # The last address gets its chance also where the first swallows everything.
                seconds = allowance.seconds_left() / (len(addresses) - place)
                try:
                    connected = create_connection(
                        (address, self.port), seconds, self.source_address, self.socket_options
                    )
                except OSError as error:
                    failure = error
                    continue
                connected.settimeout(allowance.seconds_left())
                allowance.is_connected = True
                return connected
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            failure = error
        if isinstance(failure, TimeoutError):
            raise ConnectTimeoutError(self, f"Connection to {self.host} timed out.") from failure
        raise NewConnectionError(self, f"Failed to connect: {failure}") from failure


def _addresses(host: str, port: int, seconds: float) -> list[str]:
    """Look a name up; raises TimeoutError after some seconds, which the system's resolver lacks."""
    found: list[list[str] | OSError] = []

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(
                host.strip("[]"), port, allowed_gai_family(), socket.SOCK_STREAM
            )
            found.append(list(dict.fromkeys(str(info[4][0]) for info in infos)))
        except UnicodeError:
            found.append(socket.gaierror(f"{host!r} is no host name"))
        except OSError as error:
            found.append(error)

    thread = threading.Thread(target=look_up, name="look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError("timed out")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]


class BoundedAdapter(HTTPAdapter):
    """An adapter of requests whose connections keep to the `Allowance` of their request."""

    def __init__(self) -> None:
        # Retries are made where the body can be read: a 503 may be a query that ran out of time,
        # and sending that again would only hurt the server.
        super().__init__(max_retries=Retry(total=0, redirect=0))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - those of requests
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _bound(self.poolmanager, _Direct)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        """Return the pools of connections through a proxy."""
        is_new = proxy not in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if is_new:
            # A SOCKS proxy looks names up itself.
            _bound(manager, _Bounded if proxy.lower().startswith("socks") else _Direct)
        return manager


def _bound(manager: PoolManager, kind: type[_Bounded]) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _pool_of(pool, kind) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _pool_of(pool: type[HTTPConnectionPool], kind: type[_Bounded]) -> type[HTTPConnectionPool]:
    connection = type("BoundedConnection", (kind, pool.ConnectionCls), {})
    return type("BoundedPool", (pool,), {"ConnectionCls": connection})
