"""Plots of what a network learns and how it learns, one function for each plot.

Every function draws into the Axes `ax` and returns it. Without `ax`, it makes a new figure with `matplotlib.pyplot`.
With `ax`, it does not use pyplot at all. The functions change no setting of matplotlib, and import matplotlib only when
they draw.

The text is English, except for names that the caller gives: titles, classes, functions, optimizers, layers. Names in
Hangul, Kana or Han are drawn in an installed font that has these letters. Labels that you set later on the returned
Axes use the same font. If no font has the letters of a name, one `UserWarning` says which font to install, and boxes
take the place of the letters.
"""

from fastnet.plotting._activations import plot_activation_histograms, plot_activations
from fastnet.plotting._confusion import plot_confusion_matrix
from fastnet.plotting._graph import plot_graph
from fastnet.plotting._images import plot_misclassified, plot_predictions, plot_weights
from fastnet.plotting._preparation import plot_boxes, plot_steps
from fastnet.plotting._search import plot_search
from fastnet.plotting._surface import plot_gradient_field, plot_optimizer_paths
from fastnet.plotting._training import plot_accuracy, plot_history, plot_loss

__all__ = [
    "plot_accuracy",
    "plot_activation_histograms",
    "plot_activations",
    "plot_boxes",
    "plot_confusion_matrix",
    "plot_gradient_field",
    "plot_graph",
    "plot_history",
    "plot_loss",
    "plot_misclassified",
    "plot_optimizer_paths",
    "plot_predictions",
    "plot_search",
    "plot_steps",
    "plot_weights",
]
