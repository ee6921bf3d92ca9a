"""What mkdocs calls while it builds the documentation (``mkdocs.yml``)."""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from tokenmaze.benchmarks import gallery


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the gallery, which is made anew for each build."""
    made = gallery.made()
    files.append(File.generated(config, "gallery.md", content=made.page))
    for name, content in made.pictures.items():
        files.append(File.generated(config, f"{gallery.FOLDER}/{name}", content=content))
    return files
