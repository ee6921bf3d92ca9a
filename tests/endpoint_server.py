"""A server that speaks the OpenAI protocol, answers with the shortest path, and misbehaves where a test wants it to."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from maze_env.answers import moves_to_text
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text

LISTED = {"object": "list", "data": [{"id": "oracle", "object": "model", "created": 0, "owned_by": "me"}]}


class Oracle(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # which waits 40 ms for the client between head and body

    def log_message(self, *_):
        pass

    def send(self, status=200, body=b"", headers=(), length=None):
        """A response; ``length``: what is said of its body."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        given = {"Content-Type": "application/json", "Content-Length": len(data) if length is None else length}
        for name, value in (given | dict(headers)).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def do_GET(self):
        self.server.keys.append(self.headers["Authorization"])
        status, body = self.server.models if self.path == "/v1/models" else (404, {"detail": "Not Found"})
        self.send(status, body)

    def do_POST(self):
        self.server.keys.append(self.headers["Authorization"])
        with self.server.lock:
            self.server.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.server.paths.append(self.path)
            self.server.running += 1
            self.server.max_running = max(self.server.max_running, self.server.running)
            asked, number = self.server.asked[-1], len(self.server.asked)
        time.sleep(self.server.delay)
        prompt = asked["prompt"] if "prompt" in asked else asked["messages"][-1]["content"]
        maze = maze_from_text(prompt.rpartition("MAZE:\n")[2])
        message = {"role": "assistant", "content": moves_to_text(shortest_path(maze)), "reasoning_content": "hm"}
        body = {
            "id": "x", "object": "chat.completion", "created": 0, "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8},
        }  # fmt: skip
        if self.path == "/v1/completions":
            body["choices"] = [{"index": 0, "text": message["content"], "finish_reason": "stop", "logprobs": None}]
        try:
            told = self.server.misbehave(number, body)
            if told is not None and callable(told):
                told(self)
            else:
                self.send(*told)
        except OSError:
            self.close_connection = True  # the client has gone
        finally:
            with self.server.lock:
                self.server.running -= 1


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Says nothing: clients of these tests hang up."""


@contextmanager
def serving():
    """The server; ``misbehave(number, right body)`` may be replaced, by what gives (status, body) or takes the request.

    ``asked`` holds the requests, ``paths`` where they went.
    """
    server = Server(("127.0.0.1", 0), Oracle)
    server.lock, server.stopped, server.delay = threading.Lock(), threading.Event(), 0.0
    server.asked, server.paths, server.keys, server.running, server.max_running = [], [], [], 0, 0
    server.misbehave = lambda number, body: (200, body)
    server.models = (200, LISTED)
    server.address = f"http://127.0.0.1:{server.server_port}"
    server.url = f"{server.address}/v1#oracle"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()
