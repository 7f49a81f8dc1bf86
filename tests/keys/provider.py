"""A provider that misbehaves below HTTP, where the dev realm does not."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator

Conversation = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def talking(conversation: Conversation) -> Iterator[str]:
    """Serve each connection by `conversation(connection, stopped)`; yields the URL. Stopped at the end."""
    stopped = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            conversation(connection, stopped)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connections.append(listener.accept()[0])
                thread = threading.Thread(target=serve, args=(connections[-1],))
                threads.append(thread)
                thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/certs"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for connection in connections:
            with contextlib.suppress(OSError):  # closed already
                connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


def answering(head: str, body: bytes = b"") -> Conversation:
    """Answer each request with these bytes, then close."""

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536):  # closing with something unread would reset the connection
            pass

    return conversation


def serving(answer: Callable[[], object]) -> Conversation:
    """Answer each request with the JSON of what `answer()` returns, which may take its time."""

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(65_536)
        body = json.dumps(answer()).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return conversation


def dripping(prefix: bytes, drip: bytes, *, every_seconds: float = 0.05) -> Conversation:
    """Answer `prefix` at once, and then `drip` again and again without end."""

    def conversation(connection: socket.socket, stopped: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(prefix)
        while not stopped.wait(every_seconds):
            connection.sendall(drip)

    return conversation
