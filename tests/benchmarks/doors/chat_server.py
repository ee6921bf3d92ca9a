"""A chat server that solves mazes, in one answer or move by move, for frameworks that bring a client of their own."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from maze_env.answers import moves_to_text
from maze_env.solving import shortest_path
from maze_env.tokens import maze_from_text

POSITION = re.compile(r"You are at <\|(\d+)-(\d+)\|>")


def oracle(messages):
    """The answer that a perfect player gives to a conversation."""
    first, last = messages[0]["content"], messages[-1]["content"]
    maze = maze_from_text(first.rpartition("MAZE:\n")[2].partition("\nYou are at")[0])
    if not (position := POSITION.search(last)):
        return moves_to_text(shortest_path(maze))
    cell = tuple(map(int, position.groups()))
    return shortest_path(maze.with_endpoints(cell, maze.target))[0].token


def wall_lover(messages):
    """The answer of a player who always walks up."""
    return "<|up|>"


class Chat(BaseHTTPRequestHandler):
    """One request, answered whole or as a stream of events."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = self.server.player(asked["messages"])
        body = {"id": "x", "created": 0, "model": asked["model"]}
        usage = {"prompt_tokens": 1, "completion_tokens": 7, "total_tokens": 8}
        message = {"role": "assistant", "content": text}
        if not asked.get("stream"):
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            self.send(json.dumps({**body, "object": "chat.completion", "choices": [choice], "usage": usage}))
            return
        body["object"] = "chat.completion.chunk"
        choices = [
            {"index": 0, "delta": message, "finish_reason": None},
            {"index": 0, "delta": {}, "finish_reason": "stop"},
        ]
        chunks = [{**body, "choices": [choice]} for choice in choices] + [{**body, "choices": [], "usage": usage}]
        events = [json.dumps(chunk) for chunk in chunks] + ["[DONE]"]
        self.send("".join(f"data: {event}\n\n" for event in events), "text/event-stream")

    def send(self, text, kind="application/json"):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def chat_server(player=oracle):
    """The base URL of a server whose answers are ``player(messages)``."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    server.daemon_threads, server.player = True, player
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
