"""The lessons of the chapters 2 to 7, as pages in Markdown, and what shows them without the documentation.

- `chapter-N.md`: the pages. The documentation includes them.
- `locale/LANGUAGE/LC_MESSAGES/learn.po`: their translations, which the documentation uses too.
- `_shelf`: which lessons there are.
- `_markdown`: the blocks of a page: headings, paragraphs, tables, formulas ...
- `_translation`: what a language has for a paragraph.
- `_text`: the blocks as plain text for a terminal.
- `_page`: the blocks as a page for a browser.
- `_labels`: the labels of its pictures in another language.
- `_formulas`: LaTeX as plain text.
- `_columns`: lines and tables of a given width, with wide letters.
- `_spelling`: letters and signs that a terminal lacks, in others.
"""
