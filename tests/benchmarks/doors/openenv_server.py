"""The server of the OpenEnv door, started by its command in a process of its own."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


class Server:
    """The server's command, in a process of its own."""

    def __init__(self, sessions):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}"
        command = ["-m", "tokenmaze.benchmarks.doors.openenv.server.app", "--port", self.port, "--sessions", sessions]
        self.process = subprocess.Popen([sys.executable, *map(str, command)], cwd="/")
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(f"{self.base_url}/health", timeout=5)
                return
            except OSError:
                assert self.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def request(self, path, **body):
        """The answer to a request over HTTP: its status and its JSON."""
        data = json.dumps(body).encode() if body else None
        asked = urllib.request.Request(f"{self.base_url}/{path}", data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def inspect(self):
        """What OpenEnv's validation keeps of the process that it measured."""
        return {}

    def stop(self):
        """Ends the process."""
        self.process.terminate()
        self.process.wait(timeout=20)
