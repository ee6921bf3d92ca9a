"""The gallery shows all that there is."""

import io

import pytest

from maze_env.generation import GENERATORS
from maze_env.phrasings import PHRASINGS
from maze_env.rewards import SCHEMES
from maze_env.traces import TRACE_STYLES, validate, write
from maze_env.views import VIEWS
from tokenmaze.agents.baselines import BASELINES
from tokenmaze.benchmarks.suite_specs import SUITES

Image = pytest.importorskip("PIL.Image")
gallery = pytest.importorskip("tokenmaze.benchmarks.gallery")


@pytest.fixture(scope="module")
def made():
    return gallery.made()


def test_everything_in_a_registry_is_shown(made):
    for name in (*VIEWS, *GENERATORS, *BASELINES, *SUITES):
        assert f"**{name}**" in made.page or f"**`{name}`**" in made.page, name
    for name in (*PHRASINGS, *TRACE_STYLES):
        assert f'quote "{name}"' in made.page
    assert all(f"`{name}`" in made.page for name in SCHEMES)


def test_every_picture_is_shown_once_and_is_small(made):
    pictures = {name: content for name, content in made.pictures.items() if not name.endswith(".html")}
    for name, content in pictures.items():
        assert made.page.count(f"({gallery.FOLDER}/{name})") == 1
        assert min(Image.open(io.BytesIO(content)).size) > 100
    assert sum(map(len, pictures.values())) < 200_000


def test_the_traces_shown_are_true():
    for name in TRACE_STYLES:
        validate(name, gallery.SMALL, write(name, gallery.SMALL, key=1))


def test_the_command_writes_page_and_pictures(tmp_path, made):
    gallery.main([str(tmp_path)])
    assert (tmp_path / "gallery.md").read_text(encoding="utf-8") == made.page
    assert {path.name for path in (tmp_path / gallery.FOLDER).iterdir()} == set(made.pictures)
