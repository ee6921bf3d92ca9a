"""The web application of a server of mazes.

    python -m benchmarks.doors.openenv.server.app --port 8000 --sessions 256

``uvicorn tokenmaze.benchmarks.doors.openenv.server.app:app`` takes the number of sessions from MAX_CONCURRENT_ENVS.
"""

import os
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from openenv.core.env_server.http_server import create_app

from maze_env._arguments import ArgumentParser
from maze_env._cli import called_as, run_command
from maze_env.errors import InvalidConfig, TokenMazeError
from tokenmaze.benchmarks.doors.openenv.models import MazeAction, MazeObservation, MazeState
from tokenmaze.benchmarks.doors.openenv.server.environment import NAME, MazeEnvironment

SESSIONS = 256
"""Sessions at once, where nothing else is said; OpenEnv's own default is one."""


def make_app(sessions: int) -> FastAPI:
    """The application for so many sessions at once. Raises InvalidConfig for fewer than one."""
    if sessions < 1:
        raise InvalidConfig(f"Expects at least 1 session, actual: {sessions}")
    made = create_app(
        MazeEnvironment, MazeAction, MazeObservation, env_name=NAME, max_concurrent_envs=sessions, state_cls=MazeState
    )

    @made.exception_handler(TokenMazeError)
    async def explain(request: Request, error: TokenMazeError) -> JSONResponse:
        """What the client did wrong, in words."""
        return JSONResponse({"detail": str(error)}, status_code=400)

    return made


app = make_app(int(os.environ.get("MAX_CONCURRENT_ENVS", SESSIONS)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Serves mazes until it is interrupted."""
    parser = ArgumentParser(prog=called_as("benchmarks.doors.openenv.server.app"), description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (default %(default)s)")
    parser.add_argument("--sessions", type=int, default=SESSIONS, help="sessions at once (default %(default)s)")
    options = parser.parse_args(arguments)
    uvicorn.run(make_app(options.sessions), host=options.host, port=options.port)


if __name__ == "__main__":
    run_command(main)
