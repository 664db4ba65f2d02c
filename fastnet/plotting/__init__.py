"""Pictures of what a network learns and of how, one function a picture.

Every function draws into the Axes `ax` and returns it; without `ax`, it makes a new figure with `matplotlib.pyplot`.
With `ax`, pyplot is not touched at all. No setting of matplotlib's is changed, and it is imported with the first
picture.

The text is English, but for what the caller names: titles, classes, functions, optimizers, layers. Names in Hangul,
Kana or Han are drawn in an installed font that has them, and so are the labels that are set on the returned Axes
later. Where no font has a name's letters, one `UserWarning` says which to install, and boxes stand for them.
"""

from fastnet.plotting._activations import plot_activation_histograms, plot_activations
from fastnet.plotting._confusion import plot_confusion_matrix
from fastnet.plotting._images import plot_misclassified, plot_predictions, plot_weights
from fastnet.plotting._surface import plot_gradient_field, plot_optimizer_paths
from fastnet.plotting._training import plot_accuracy, plot_history, plot_loss

__all__ = [
    "plot_accuracy",
    "plot_activation_histograms",
    "plot_activations",
    "plot_confusion_matrix",
    "plot_gradient_field",
    "plot_history",
    "plot_loss",
    "plot_misclassified",
    "plot_optimizer_paths",
    "plot_predictions",
    "plot_weights",
]
