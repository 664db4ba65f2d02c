"""Plots of what a network learns and how it learns, one function for each plot.

Every function draws into the Axes `ax` and returns it; `animate_learning_rates` returns an animation. Without `ax`,
they make a new figure with `matplotlib.pyplot`. With `ax`, they do not use pyplot at all. The functions change no
setting of matplotlib, and import matplotlib only when they draw.

The text is English. With ``lang="ko"`` or ``lang="ja"``, it is Korean or Japanese, in the terms of the book's editions:

>>> from matplotlib.figure import Figure
>>> from fastnet.plotting import plot_loss
>>> ax = plot_loss([2.3, 1.2, 0.8], lang="ja", ax=Figure().subplots())  # doctest: +SKIP
>>> ax.get_title()  # doctest: +SKIP
'損失関数'

Titles, and the names of classes, functions, optimizers and layers are written as the caller gives them. What is written
in Hangul, Kana or Han is drawn in an installed font that has these letters, and so are labels that you set later on the
returned Axes. If there is no such font, one `UserWarning` says which font to install. Then the labels of the functions
are English, and boxes take the place of the letters in titles and names.
"""

from fastnet.plotting._activations import plot_activation_histograms, plot_activations
from fastnet.plotting._confusion import plot_confusion_matrix
from fastnet.plotting._descent import animate_learning_rates, plot_learning_rates
from fastnet.plotting._graph import plot_graph
from fastnet.plotting._images import plot_misclassified, plot_predictions, plot_weights
from fastnet.plotting._preparation import plot_boxes, plot_steps
from fastnet.plotting._search import plot_search
from fastnet.plotting._surface import plot_gradient_field, plot_optimizer_paths
from fastnet.plotting._training import plot_accuracy, plot_history, plot_loss

__all__ = [
    "animate_learning_rates",
    "plot_accuracy",
    "plot_activation_histograms",
    "plot_activations",
    "plot_boxes",
    "plot_confusion_matrix",
    "plot_gradient_field",
    "plot_graph",
    "plot_history",
    "plot_learning_rates",
    "plot_loss",
    "plot_misclassified",
    "plot_optimizer_paths",
    "plot_predictions",
    "plot_search",
    "plot_steps",
    "plot_weights",
]
