"""Sphinx configuration: `python -m sphinx -W docs OUT` builds the site."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))

from formats import write_pages

from netgen._version import __version__

project = "netgen"
author = "the netgen authors"
copyright = "the netgen authors, GPL-3.0-or-later"
release = __version__
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
autodoc_typehints = "description"
autodoc_member_order = "bysource"
napoleon_use_ivar = True
html_theme = "furo"
html_title = f"netgen {release}"
nitpicky = False


def setup(app: Sphinx) -> None:
    """Write the pages that are made of schemas before Sphinx looks for its sources."""
    write_pages(Path(app.srcdir) / "reference" / "files")
