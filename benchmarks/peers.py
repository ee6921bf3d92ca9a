"""The peers of ``throughput.py``: other environments and generators, where they are installed.

``pip install 'tokenmaze[peers]'`` installs those that gymnasium does not bring along. Each function gives a rate per
second.
"""

import time
from typing import Any

import gymnasium
import numpy as np

from tokenmaze.benchmarks.timing import rate

VECTOR = 4096


def single_steps(name: str, steps: int = 20_000, **options: Any) -> float:
    """Steps per second of one environment under random actions; resets are not timed."""
    env = gymnasium.make(name, **options)
    actions = np.random.default_rng(0).integers(0, 4, steps).tolist()
    env.reset(seed=0)
    done, seconds = 0, 0.0
    while done < steps:
        env.reset()
        first, start = done, time.perf_counter()
        for action in actions[first:]:
            _, _, terminated, truncated, _ = env.step(action)
            done += 1
            if terminated or truncated:
                break
        seconds += time.perf_counter() - start
    return steps / seconds


def vector_steps(name: str, steps: int = 60, **options: Any) -> float:
    """Environment steps per second of Gymnasium's vector interface under random actions, autoreset included."""
    env = gymnasium.make_vec(name, num_envs=VECTOR, vectorization_mode="vector_entry_point", **options)
    env.reset(seed=0)
    count = int(env.single_action_space.n)  # type: ignore[attr-defined]
    actions = np.random.default_rng(0).integers(0, count, (steps, VECTOR))
    env.step(actions[0])
    return rate(env.step, actions, VECTOR)


def minigrid_steps() -> float:
    """MiniGrid's four rooms through ``gymnasium.make``."""
    import minigrid  # noqa: F401 (registers its environments)

    return single_steps("MiniGrid-FourRooms-v0", 5_000)


def envpool_steps(name: str, steps: int = 60) -> float:
    """Environment steps per second of EnvPool's C++ environments under random actions, autoreset included."""
    import envpool

    env = envpool.make_gymnasium(name, num_envs=VECTOR)
    env.reset()
    count = int(env.action_space.n)
    actions = np.random.default_rng(0).integers(0, count, (steps, VECTOR)).astype(env.action_space.dtype)
    env.step(actions[0])
    return rate(env.step, actions, VECTOR)


def jumanji_steps(autoreset: bool) -> float:
    """Jumanji's Maze, 10x10, jitted and mapped over a batch; compilation is not timed."""
    import jax
    import jumanji
    from jumanji.wrappers import AutoResetWrapper

    plain = jumanji.make("Maze-v0")
    env = AutoResetWrapper(plain) if autoreset else plain
    state, _ = jax.jit(jax.vmap(env.reset))(jax.random.split(jax.random.PRNGKey(0), VECTOR))
    step = jax.jit(jax.vmap(env.step))
    steps = 5 if autoreset else 60
    actions = jax.numpy.asarray(np.random.default_rng(0).integers(0, 4, (steps, VECTOR)).astype(np.int32))
    # Stepped from outside, with everything that a step returns asked for, as in our own measurement. (With the loop
    # compiled around the steps, XLA would leave out whatever is not asked for.)
    for _ in range(2):  # compiles, then warms up
        jax.block_until_ready(step(state, actions[0]))

    def play(state: Any) -> None:
        for batch in actions:
            state, timestep = step(state, batch)
        jax.block_until_ready((state, timestep))

    return rate(play, [state] * (1 if autoreset else 10), steps * VECTOR)  # long enough for the clock


def xland_steps(name: str, steps: int = 5) -> float:
    """Environment steps per second of XLand-MiniGrid, jitted and mapped over a batch, autoreset included."""
    import jax
    import xminigrid
    from xminigrid.wrappers import GymAutoResetWrapper

    env, params = xminigrid.make(name)
    env = GymAutoResetWrapper(env)
    step = jax.jit(jax.vmap(env.step, in_axes=(None, 0, 0)))
    keys = jax.random.split(jax.random.PRNGKey(0), VECTOR)
    timestep = jax.jit(jax.vmap(env.reset, in_axes=(None, 0)))(params, keys)
    drawn = np.random.default_rng(0).integers(0, env.num_actions(params), (steps, VECTOR))
    actions = jax.numpy.asarray(drawn.astype(np.int32))
    for _ in range(2):  # compiles, then warms up
        timestep = jax.block_until_ready(step(params, timestep, actions[0]))

    def play(timestep: Any) -> None:
        for batch in actions:
            timestep = step(params, timestep, batch)
        jax.block_until_ready(timestep)

    return rate(play, [timestep], steps * VECTOR)


def jumanji_mazes(side: int, count: int) -> float:
    """Jumanji's generator, jitted and mapped."""
    import jax
    from jumanji.environments.routing.maze.generator import RandomGenerator

    make = jax.jit(jax.vmap(RandomGenerator(num_rows=side, num_cols=side)))
    keys = jax.random.split(jax.random.PRNGKey(0), count)
    jax.block_until_ready(make(keys))
    return rate(lambda keys: jax.block_until_ready(make(keys)), [keys], count)


def maze_dataset_mazes(side: int, count: int) -> float:
    """maze-dataset's depth-first generator."""
    from maze_dataset.generation import LatticeMazeGenerators

    return rate(LatticeMazeGenerators.gen_dfs, [(side, side)] * count)
