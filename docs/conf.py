"""Sphinx configuration: sphinx-build -W --keep-going docs build/docs."""

from __future__ import annotations

import fastad

project = "fastad"
author = "fastad developers"
copyright = "fastad developers"
release = version = fastad.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
]
html_theme = "furo"
html_title = f"fastad {release}"
exclude_patterns = ["print_operations.py", "_build"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# Each page's programs run when the site is built; one that raises fails the build.
nb_execution_mode = "auto"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

autosummary_generate = True
numpydoc_show_class_members = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
