"""How Sphinx builds the documentation: `make -C docs html`."""

import sys
from pathlib import Path

from sphinx.search import languages as searched_languages

import fastnet

sys.path.append(str(Path(__file__).parent / "_extensions"))

from extras import lacking_extras  # _extensions/extras.py

project = "fastnet"
author = "The fastnet developers"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's name for it
version = release = fastnet.__version__

extensions = [
    "mathml",  # _extensions/mathml.py
    "myst_parser",  # pages in Markdown
    "sphinx.ext.autodoc",  # the API reference, from the docstrings
    "sphinx.ext.intersphinx",  # links from the translations to the reference, which is English
    "sphinx.ext.autosummary",  # the tables of names, and links to everything that can be imported
    "numpydoc",
    "animation",  # _extensions/animation.py
    "exercise_list",  # _extensions/exercise_list.py
    "labels",  # _extensions/labels.py
    "languages",  # _extensions/languages.py
    "messages",  # _extensions/messages.py
    "public_names",  # _extensions/public_names.py
    "sphinx_copybutton",
    "matplotlib.sphinxext.plot_directive",  # the pictures in the text
    "sphinx_gallery.gen_gallery",
    "sphinxarg.ext",  # the command line, from its parsers
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
smartquotes = False  # an error message is searched for with the quotes that it has
nitpicky = True
nitpick_ignore = [("py:obj", "matplotlib.pyplot")]  # no links to other projects: their index needs a network

# --- translations: tools/translations.py brings the catalogues up to date ---------------------------------------------

locale_dirs = ["locale", "../fastnet/lessons/locale"]
gettext_location = False  # no line numbers: every change of a page would change them

# The search of the translations: _extensions/japanese_search.py and korean_search.py
html_search_options = {"type": "japanese_search.Splitter"}
searched_languages["ko"] = "korean_search.SearchKorean"

# --- Markdown ---------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# --- docstrings -------------------------------------------------------------------------------------------------------

default_role = "autolink"  # `name` in a docstring is a link if there is such a name, else italic
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give the types, with shapes
autodoc_preserve_defaults = True
autodoc_default_options = {"members": True}
numpydoc_show_class_members = False  # autodoc shows them

# --- examples ---------------------------------------------------------------------------------------------------------

# Run all of them, but for those that need an extra that is not installed, and those that start processes, which would
# import Sphinx in place of the example. These are shown without their output.
shown_only = [
    path.stem
    for path in Path(__file__).parent.glob("../examples/[0-9]*.py")
    if lacking_extras(path) or '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "examples",
    "image_scrapers": ("saved_pictures.saved_picture",),  # _extensions/saved_pictures.py
    "filename_pattern": rf"(?<!{')(?<!'.join(shown_only)})\.py$" if shown_only else "",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "parallel": 2,
    "capture_repr": (),
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,  # no times: they depend on the machine
    "backreferences_dir": "examples/backreferences",
    "doc_module": ("fastnet",),
}

# --- pictures in the text: no background, and a gray that can be read on light and on dark pages ----------------------

plot_include_source = plot_html_show_source_link = plot_html_show_formats = False
plot_formats = ["svg"]
plot_apply_rcparams = True
plot_rcparams = {
    "svg.fonttype": "none",  # text stays text: _extensions/labels.py translates it
    "figure.constrained_layout.use": True,
    "savefig.transparent": True,
    "legend.framealpha": 0,
    **dict.fromkeys(
        ("text.color", "axes.labelcolor", "axes.titlecolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#767676"
    ),
}

# --- the look ---------------------------------------------------------------------------------------------------------

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "fastnet"
html_static_path = ["_static"]
html_css_files = ["fastnet.css"]
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {
        "color-brand-primary": "#1f5fa8",
        "color-brand-content": "#1f5fa8",
        "paper": "1",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7db4f0",
        "color-brand-content": "#7db4f0",
        "paper": "0.8",  # how bright a white picture is
    },
}
copybutton_exclude = ".linenos, .gp, .go"  # do not copy prompts and output
