"""Train the network that `fastnet play` begins with, and write fastnet/data/network/two_layers.npz.

    OPENBLAS_NUM_THREADS=1 python tools/train_page_network.py

It is the book's TwoLayerNet with 50 hidden units, in float32. It sees MNIST's training images, changed at random by
`fastnet.augmentation`, because digits that are drawn with a mouse or a finger look different. `fastnet play` puts every
drawing in the middle, so the images move less than the default. The same seed gives the same file on the same machine.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from fastnet import Trainer, TwoLayerNet, load_mnist
from fastnet.augmentation import Augmentation
from fastnet.optimizer import Adam, CosineDecay

OUT = Path(__file__).resolve().parent.parent / "fastnet" / "data" / "network" / "two_layers.npz"
BATCH_SIZE = 100
LEARNING_RATE = 3e-3  # of Adam at first; it falls to 0
AUGMENTATION = Augmentation(
    rotation=12, shear=0.2, scale=0.12, shift=1.0, bend=0.5, stroke_width=(1.7, 3.5), unclean=0.1, digit_forms=0.1
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    (x_train, t_train), (x_test, t_test) = load_mnist()
    random = np.random.default_rng(args.seed)
    network = TwoLayerNet(784, 50, 10, dtype=np.float32, seed=random)
    begin = time.perf_counter()

    def report(trainer: Any) -> None:
        epoch, loss = round(trainer.current_iter / trainer.iter_per_epoch), np.mean(trainer.train_loss_list[-600:])
        accuracy = network.accuracy(x_test, t_test)
        seconds = time.perf_counter() - begin
        print(f"epoch {epoch}, {seconds:.0f} s, loss {loss:.4f}, test accuracy {accuracy:.4f}", flush=True)

    trainer = Trainer(
        network, x_train, t_train, epochs=args.epochs, mini_batch_size=BATCH_SIZE, seed=random, augment=AUGMENTATION,
        optimizer=Adam(lr=CosineDecay(LEARNING_RATE, args.epochs * len(x_train) // BATCH_SIZE)),
        evaluate_sample_num_per_epoch=1000, verbose=False, progress=False, on_epoch=report,
    )  # fmt: skip
    trainer.train()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    network.save(args.out)
    print(f"{args.out}: {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
