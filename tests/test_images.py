"""An MNIST digit, saved as an image in any of the ways people have, is read as the MNIST row it was.

Digits on pages, with frames, shadows and lines around them, are in `test_pages.py`.
"""

import numpy as np
import pytest
from effort import thinned
from PIL import Image

from fastnet import load_mnist
from fastnet.images import find_digits, load_digit, prepare

# What differs only by rounding: the grays of a file are multiples of 1/255, ours float32 within half a unit of 6e-8.
EXACT = 1e-7


@pytest.fixture(scope="module")
def pixels():
    """A seven, 28 x 28 of uint8. It spans 20 pixels and its centre is in place, so reading it resamples nothing."""
    _, (x, _) = load_mnist(normalize=False, flatten=False)
    return x[0, 0]


@pytest.fixture
def read(tmp_path):
    """Save an image, read the digit in it, and see that it is a row of MNIST."""

    def save_and_read(image, name="digit.png", **options):
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(tmp_path / name, **options)
        digit = load_digit(tmp_path / name)
        assert digit.dtype == np.float32
        assert digit.shape == (784,)
        assert digit.min() == 0  # the margins
        assert 0.5 < digit.max() <= 1
        return digit

    return save_and_read


def assert_is(digit, pixels, atol):
    np.testing.assert_allclose(digit, pixels.reshape(-1) / 255, rtol=0, atol=atol)


def likeness(digit, pixels):
    """The correlation with the original: 0.5 if it is moved by a pixel each way, below 0.7 for any other digit."""
    return np.corrcoef(digit, pixels.reshape(-1))[0, 1]


def with_ink_as_alpha(pixels, shade):
    return np.stack([np.full_like(pixels, shade), pixels], axis=-1)


def on_canvas(pixels, height, width, top, left):
    canvas = np.zeros((height, width), np.uint8)
    canvas[top : top + 28, left : left + 28] = pixels
    return canvas


SAVED = {
    "light on dark": lambda pixels: pixels,
    "dark on light": lambda pixels: 255 - pixels,
    "RGB": lambda pixels: np.stack([255 - pixels] * 3, axis=-1),
    "palette": lambda pixels: Image.fromarray(pixels).convert("P"),
    "opaque": lambda pixels: np.stack([pixels, np.full_like(pixels, 255)], axis=-1),
    "black ink, transparent": lambda pixels: with_ink_as_alpha(pixels, 0),
    "white ink, transparent": lambda pixels: with_ink_as_alpha(pixels, 255),
    "white ink, RGBA": lambda pixels: Image.fromarray(with_ink_as_alpha(pixels, 255)).convert("RGBA"),
    "16 bits": lambda pixels: pixels.astype(np.uint16) * 257,
    "16 bits, dark on light": lambda pixels: 65535 - pixels.astype(np.uint16) * 257,
}


CANVASES = {
    "wide": lambda pixels: on_canvas(pixels, 60, 300, 3, 201),
    "tall": lambda pixels: 255 - on_canvas(pixels, 300, 60, 250, 4),
    "with a margin of one pixel": lambda pixels: np.pad(pixels[np.ix_(pixels.any(axis=1), pixels.any(axis=0))], 1),
}


@pytest.mark.parametrize("canvas", CANVASES.values(), ids=CANVASES.keys())
def test_a_digit_on_a_canvas_of_another_size_is_like_the_digit(read, pixels, canvas):
    assert likeness(read(canvas(pixels)), pixels) > 0.85  # 0.9 is seen: strokes become a little wider


@pytest.mark.parametrize("saved", SAVED.values(), ids=SAVED.keys())
def test_what_needs_no_resampling_is_read_exactly(read, pixels, saved):
    assert_is(read(saved(pixels)), pixels, EXACT)


@pytest.mark.parametrize("values", [np.float32, np.int32], ids=["float", "32 bits"])
def test_values_in_any_unit_are_read_exactly(read, pixels, values):
    assert_is(read(pixels.astype(values) * 1000 + 5, "digit.tiff"), pixels, EXACT)


@pytest.mark.parametrize(
    ("ink", "paper"),
    [((200, 20, 30), (250, 250, 200)), ((240, 230, 60), (20, 40, 110)), ((0, 0, 255), (255, 255, 255))],
)
def test_coloured_ink_on_coloured_paper_is_read_by_its_brightness(read, pixels, ink, paper):
    share = pixels[..., np.newaxis] / 255
    image = np.round(share * ink + (1 - share) * paper).astype(np.uint8)
    # Two roundings to whole grays, of colour and of brightness, where ink and paper lie at least 140 apart.
    assert_is(read(image), pixels, 1.1 / 140)


def test_an_array_of_colours_is_read_as_the_file_would_be(pixels):
    shades = pixels / 255
    colours = np.stack([1 - shades, 1 - shades, 1 - shades, np.ones_like(shades)], axis=-1)
    for each in (colours[..., :3], colours):
        assert_is(prepare(each), pixels, 1e-6)
    clear = np.concatenate([np.zeros((28, 28, 3)), shades[..., np.newaxis]], axis=-1)  # the ink is in the transparency
    assert_is(prepare(clear), pixels, 1e-6)


def test_a_large_array_is_shrunk_like_a_file(read, pixels):
    large = np.kron(pixels, np.ones((60, 60), np.uint8))
    np.testing.assert_allclose(prepare(large), read(large), rtol=0, atol=1 / 255)


def test_the_steps_of_several_arrays_are_those_of_each(pixels):
    both = np.stack([pixels, pixels.T])
    for steps, each in zip(prepare(both, steps=True), both, strict=True):
        assert steps.keys() == prepare(each, steps=True).keys()
        np.testing.assert_array_equal(steps["28 x 28"], prepare(each, steps=True)["28 x 28"])


def test_a_jpeg_of_an_enlarged_digit_is_like_the_digit(read, pixels):
    image = Image.fromarray(255 - pixels).resize((300, 300), Image.Resampling.BICUBIC)
    assert likeness(read(image, "digit.jpg", quality=75), pixels) > 0.95


@pytest.mark.parametrize("factor", [2, 5, 30])
@pytest.mark.parametrize("resampling", [Image.Resampling.NEAREST, Image.Resampling.BICUBIC])
def test_an_enlarged_digit_is_like_the_digit(read, pixels, factor, resampling):
    size = 28 * factor
    # Enlarging and reducing again blurs: 0.99 and 0.96 are seen.
    assert likeness(read(Image.fromarray(pixels).resize((size, size), resampling)), pixels) > 0.95


@pytest.mark.parametrize("dark_on_light", [True, False])
def test_a_digit_of_two_shades_is_like_the_digit(read, pixels, dark_on_light):
    two_shades = (pixels > 127) != dark_on_light
    assert likeness(read(two_shades), pixels) > 0.9  # the shades between are gone


def test_noise_around_a_digit_is_not_taken_for_ink(read, pixels):
    large = np.zeros((300, 400))
    large[100:240, 200:340] = pixels.repeat(5, axis=0).repeat(5, axis=1)
    photo = 200 - 0.6 * large + np.random.default_rng(0).normal(0, 1.5, large.shape)  # 1 % of the ink, 4 % at most
    assert likeness(read(np.round(photo).astype(np.uint8)), pixels) > 0.95


def test_noise_of_a_large_photograph_is_averaged_away(read, pixels):
    large = 255 - np.kron(pixels, np.ones((30, 30)))
    photo = large + np.random.default_rng(0).normal(0, 20, large.shape)  # 8 % of the ink
    assert likeness(read(np.clip(photo, 0, 255).astype(np.uint8)), pixels) > 0.95


# What to do to an upright image so that a viewer that follows the EXIF tag turns it upright again.
TURNED = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: np.transpose,
    6: np.rot90,
    7: lambda pixels: np.rot90(pixels, 2).T,
    8: lambda pixels: np.rot90(pixels, -1),
}


@pytest.mark.parametrize("orientation", TURNED)
def test_a_photo_is_turned_as_its_exif_tag_says(read, pixels, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert_is(read(np.ascontiguousarray(TURNED[orientation](pixels)), exif=exif), pixels, EXACT)


@pytest.mark.parametrize(("shape", "box"), [((100, 10), (20, 2)), ((100, 12), (20, 2)), ((300, 1), (20, 2))])
def test_proportions_are_kept_and_the_mass_is_centred(read, shape, box):
    digit = read(np.pad(np.full(shape, 255, np.uint8), 7)).reshape(28, 28)
    rows, columns = np.nonzero(digit > 0.5)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == box
    assert abs(rows.mean() - 14) <= 0.5
    assert abs(columns.mean() - 14) <= 0.5


# --- errors ----------------------------------------------------------------------------------------------------------

NOTHING = {
    "white": np.full((40, 30), 255, np.uint8),
    "black": np.zeros((40, 30), np.uint8),
    "one pixel": np.full((1, 1), 100, np.uint8),
    "transparent": with_ink_as_alpha(np.zeros((40, 30), np.uint8), 0),
    "16 bits": np.full((40, 30), 40_000, np.uint16),
}


@pytest.mark.parametrize("image", NOTHING.values(), ids=NOTHING.keys())
def test_an_image_of_one_shade_is_named(tmp_path, image):
    Image.fromarray(image).save(tmp_path / "blank.png")
    with pytest.raises(ValueError, match=r"blank\.png: no digit found"):
        load_digit(tmp_path / "blank.png")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_finite_are_named(tmp_path, pixels, value):
    image = pixels.astype(np.float32)
    image[9, 9] = value
    Image.fromarray(image).save(tmp_path / "float.tiff")
    with pytest.raises(ValueError, match=r"float\.tiff holds pixels that are NaN or infinite"):
        load_digit(tmp_path / "float.tiff")


@pytest.mark.parametrize("path", [None, 3, ["digit.png"], np.zeros((28, 28))])
def test_what_is_no_path_raises_type_error(path):
    with pytest.raises(TypeError, match=f"^path must be the path of an image file, got {type(path).__name__}: pass "):
        load_digit(path)


@pytest.mark.parametrize("picture", [None, 3, b"digit.png", {"digit.png"}], ids=repr)
@pytest.mark.parametrize("function", [prepare, find_digits])
def test_what_is_no_picture_is_refused_by_name(function, picture):
    with pytest.raises(TypeError, match=f"^picture must be the path of a file or an array.*{type(picture).__name__}$"):
        function(picture)


def test_many_pictures_are_not_one_page():
    with pytest.raises(TypeError, match=r"^picture must be .* got list$"):
        find_digits([np.ones((40, 40))])


@pytest.mark.parametrize("content", [b"", b"just text\n", b"\x89PNG\r\n\x1a\n"], ids=["empty", "text", "PNG's magic"])
def test_what_is_no_image_is_named(tmp_path, content):
    (tmp_path / "letter.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"letter\.png is not an image"):
        load_digit(str(tmp_path / "letter.png"))


def test_a_missing_file_and_a_directory_are_os_errors_that_name_them(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        load_digit(tmp_path / "none.png")
    with pytest.raises(TypeError, match="got ndarray: pass an array to prepare instead"):
        load_digit(np.zeros((28, 28)))
    with pytest.raises(OSError, match=tmp_path.name):
        load_digit(tmp_path)


@pytest.mark.parametrize(("name", "options"), [("digit.png", {}), ("digit.gif", {}), ("digit.jpg", {"quality": 30})])
@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damage before it raises
def test_any_damage_to_an_image_is_survived_or_named(tmp_path, pixels, name, options):
    """Cut it anywhere, or flip the bits of any byte: there is still a row of MNIST, or ValueError names the file."""
    path = tmp_path / name
    Image.fromarray(pixels).save(path, **options)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    damaged += [whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :] for i in range(len(whole))]
    messages = []
    damaged = thinned(damaged, 0.1)
    for data in damaged:
        path.write_bytes(data)
        try:
            digit = load_digit(path)
        except ValueError as error:
            messages.append(str(error))
        else:
            assert digit.shape == (784,)
            assert 0 <= digit.min() <= digit.max() <= 1
    assert len(messages) > len(damaged) / 4
    assert all(name in message for message in messages)


def test_a_png_cut_in_half_is_called_damaged(tmp_path, pixels):
    path = tmp_path / "half.png"
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=r"half\.png is damaged: .*truncated"):
        load_digit(path)


@pytest.mark.filterwarnings("ignore")  # the suite makes errors of warnings: here load_digit has to
@pytest.mark.parametrize("limit", [600, 300], ids=["a warning of Pillow's", "an error of Pillow's"])
def test_an_image_of_too_many_pixels_is_named_before_it_is_unpacked(tmp_path, pixels, monkeypatch, limit):
    Image.fromarray(pixels).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # it has 784: more than the limit, or than twice the limit
    with pytest.raises(ValueError, match=r"bomb\.png has too many pixels"):
        load_digit(tmp_path / "bomb.png")
